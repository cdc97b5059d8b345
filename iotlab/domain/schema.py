"""The lab's tables: their names, keys and attributes. Every part that reads or writes them takes the names here.

Times are numbers in microseconds since 1970 (attributes that end in ``_us``).

``devices``       one item a device: its state. Stream: new and old images.
                  device S | convention S | type S | room S | name S | firmware S | status S | status_us N
                  received_us N | measured_us N | boot_id S | seq N | topic S | message_id S
                  stored N (messages stored so far: a version without gaps)
                  units M { <channel>: S } (as the device announced them)
                  channels M { <channel>: M { value N/S/BOOL | unit S | raw S | at_us N } }
                  A channel whose at_us equals the item's measured_us came with the item's last message.
                  attributes M { <name>: N/S/BOOL } (of the device, as it or its convention says)
                  confidence S (likely / guess; absent where the convention is certain)
                  A channel has no_reading S, no_reading_us N where the last message had none to give for it.
``descriptions``  one item a channel of devices that describe themselves. Stream: new and old images.
                  device S | channel S | topic S, at_us N (where and when it was said last, as news)
                  and the fields of `iotlab.domain.reading.Description` that it says
``readings``      one item a message: the history.
                  device S | at S (see `reading_sort_key`) | received_us N | decoded_us N | measured_us N
                  boot_id S | seq N | topic S | message_id S | published_us N
                  values M { <channel>: N/S/BOOL } | no_reading M { <channel>: S } (sent in place of a value)
``ledger``        one item a boot of a numbered device.
                  device S | boot_id S | contiguous N (every seq ≤ it is stored; -1 at first)
                  beyond L of L [first N, last N] (stored ranges after a gap) | stored N | refused N (dead letters)
                  lost N (dropped by the device) | repeats N | last_us N
``dead_letters``  what could not be decoded. Stream: new image.
                  queue S ("ingest") | at S | topic S | payload B | size_bytes N | reason S | detail S
                  device S | boot_id S | seq N (where they could still be read) | received_us N
``unclaimed``     topics that no convention claims. topic S | count N | last_us N | sample B
``alarms``        one item for each (rule, device). Stream: new and old images.
                  alarm S | rule S | device S | channel S | severity S | state S | version N | message S
                  value S | threshold S | since_us N | raised_us N | acknowledged_us N | acknowledged_by S
                  cleared_us N | deadline_us N (of a running hold timer) | room S | episodes N (times raised)
                  title S | evaluated_us N (time of the newest reading that was judged) | message_id S
                  notify L of S (notification channels of this episode, so that anybody's transition is notified)
                  escalate L of S (channels that are told when nobody acknowledges) | waiting_us N (unacknowledged
                  since) | told M { <channel>: N } (last reminder) | name S, device_type S (the device's)
                  shelved_until_us N | shelved_by S | assignee S | comment S (the last) | comments N
                  transitions N (raises and clears ever) | recent_us L of N (the last of them)
                  flapping_us N (since when) | flaps N (raises and clears of the last or present flapping)
                  timers M { <timer>: L of N, N } (began by the device's time, ends by the lab's clock)
                  reference N (the value that was notified last, for a rule that compares with it)
                  State cleared with episodes 0: a hold that ended before the alarm was ever raised.
``journal``       every transition. alarm S | version N | to S | at_us N | by S | value S | message S
                  severity S | what S (see `iotlab.domain.alarm.Happening`) | note S (comment, person, end, channels)
                  flapping BOOL (true where the alarm was flapping) | told L of S (channels with an outbox row of it)
                  A hold that ends without an alarm, and a timer that begins or ends, takes a version and has no row.
``outbox``        one item for each (transition, channel). Stream: new and old images.
                  key S | alarm S | version N | channel S | to S | attempts N
                  status S (pending / sending / sent / failed / unknown / skipped)
                  title S | body S | severity S | created_us N | next_us N | done_us N | error S
                  possible_repeat BOOL | message_id S | what S | facts M { <name>: S }
                  group S, group_size N (the one message in which several rows are sent; kept until they are settled)
                  held S (why it waits: quiet hours, digest, grouping)
``inbox``         the lab's own notifications. Stream: new image.
                  box S ("inbox") | at S | key S | title S | body S | severity S | alarm S | read BOOL
``checkpoints``   how far each consumer of a stream has come. consumer S | sequence_number S | at_us N
                  sequence_number: of the last record handled; with several shards JSON, one for each shard.
``trigger_checkpoints``  how far each event source mapping has come: one row a shard, and one for the mapping itself.
                  mapping S | shard S (its id; "#mapping" for the mapping; "<id>~<n>" for more of a window's state)
                  lanes L of S (per lane the last sequence number handled; "" before the first) | is_done BOOL
                  after_us N (LATEST before the first record: when the mapping began) | stream S (its ARN)
                  window_us N (start of the open tumbling window) | state S | parts N | enabled BOOL | at_us N
``trigger_dead_letters``  what a mapping gave up, one row a record. Stream: new image.
                  mapping S | at S (its sequence number, 40 digits, then "~<n>" for more of a long record)
                  table S | shard S | sequence_number S | condition S | document S (Lambda's, JSON) | record S (JSON)
                  parts N | error_type S | error_message S | attempts N | given_up_us N | sink_error S
``invocations``   what mappings invoked, one row each, for two days. mapping S | at S (see `sort_time`, "#", its id)
                  table S | request_id S | shard S | first S, last S (sequence numbers) | records N | lanes N
                  attempt N | version S | cold_start BOOL | duration_ms N | outcome S | error S | window_us N
                  is_final BOOL | response S (JSON, up to 30 KB) | digest S (of the whole response) | log S (its end)
                  at_us N | expires N (seconds since 1970, when it may be deleted)
``traces``        the stops of messages that carry an id. id S | stop S | at_us N | detail S
                  Besides those of `STOPS`, each handler's invocation has one ("handler/<mapping>/<request id>", with
                  mapping S, at S of its invocation, sequence_number S), and each transition of an alarm of which
                  the message was the last cause ("alarm/<version, 10 digits>/<alarm>", with alarm S, version N).
"""

from __future__ import annotations

import msgspec

DEVICES = "devices"
READINGS = "readings"
DESCRIPTIONS = "descriptions"
LEDGER = "ledger"
DEAD_LETTERS = "dead_letters"
UNCLAIMED = "unclaimed"
ALARMS = "alarms"
JOURNAL = "journal"
OUTBOX = "outbox"
INBOX = "inbox"
CHECKPOINTS = "checkpoints"
INVOCATIONS = "invocations"
TRACES = "traces"
TRIGGER_CHECKPOINTS = "trigger_checkpoints"
TRIGGER_DEAD_LETTERS = "trigger_dead_letters"

INGEST_QUEUE = "ingest"
INBOX_BOX = "inbox"

STOPS = ("receive", "decode", "commit", "record", "evaluate", "deliver", "apply")
"""The seven stops of a message, in order, as `iotlab trace` shows them."""


class LabTable(msgspec.Struct, frozen=True):
    """What a table of the lab needs to be created, in any store.

    Attributes:
        name: The table's name.
        partition_key, sort_key: Attribute name and type, as ``("device", "S")``.
        stream: DynamoDB's StreamViewType, or None for no stream.
        shards: Open shards of the embedded table's stream. One, so that the lab's own consumers read in total order.
        time_to_live: The attribute with the time from which on an item may be deleted; None keeps all.
    """

    name: str
    partition_key: tuple[str, str]
    sort_key: tuple[str, str] | None = None
    stream: str | None = None
    shards: int = 1
    time_to_live: str | None = None


TABLES: tuple[LabTable, ...] = (
    LabTable(DEVICES, ("device", "S"), stream="NEW_AND_OLD_IMAGES"),
    LabTable(READINGS, ("device", "S"), ("at", "S")),
    LabTable(DESCRIPTIONS, ("device", "S"), ("channel", "S"), stream="NEW_AND_OLD_IMAGES"),
    LabTable(LEDGER, ("device", "S"), ("boot_id", "S")),
    LabTable(DEAD_LETTERS, ("queue", "S"), ("at", "S"), stream="NEW_IMAGE"),
    LabTable(UNCLAIMED, ("topic", "S")),
    LabTable(ALARMS, ("alarm", "S"), stream="NEW_AND_OLD_IMAGES"),
    LabTable(JOURNAL, ("alarm", "S"), ("version", "N")),
    LabTable(OUTBOX, ("key", "S"), stream="NEW_AND_OLD_IMAGES"),
    LabTable(INBOX, ("box", "S"), ("at", "S"), stream="NEW_IMAGE"),
    LabTable(CHECKPOINTS, ("consumer", "S")),
    LabTable(INVOCATIONS, ("mapping", "S"), ("at", "S"), time_to_live="expires"),
    LabTable(TRACES, ("id", "S"), ("stop", "S")),
    LabTable(TRIGGER_CHECKPOINTS, ("mapping", "S"), ("shard", "S")),
    LabTable(TRIGGER_DEAD_LETTERS, ("mapping", "S"), ("at", "S"), stream="NEW_IMAGE"),
)


def sort_time(us: int) -> str:
    """Return a time as text that sorts as the time does: 17 digits of microseconds, good until the year 5138."""
    return f"{us:017d}"


def reading_sort_key(us: int, tag: str) -> str:
    """Return the sort key of one reading: its time, then what makes it unique (``<boot_id>.<seq>`` or a hash)."""
    return f"{us:017d}#{tag}"
