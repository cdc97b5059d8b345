"""`iotlab alarms show`."""

from __future__ import annotations

from itertools import islice

from iotlab.cli.alarms.acting import Key
from iotlab.cli.alarms.printing import JOURNAL_COLUMNS, journal_row, transitions
from iotlab.cli.table.opening import open_store
from iotlab.cli.table.output import Layout, Output, OutputFlag, chosen, print_item, print_items
from iotlab.cli.table.where import Where, with_where
from iotlab.domain.schema import ALARMS
from iotlab.errors import AlarmError

_LAST = 10


@with_where
def command(where: Where, *, key: Key, output: OutputFlag = None) -> None:
    """Print one alarm, and in the table form its last ten transitions.

    Example:

        iotlab alarms show leak/tap
    """
    with open_store(where) as opened:
        found = opened.store.get_item(ALARMS, {"alarm": {"S": key}})
        if found is None:
            raise AlarmError(f"there is no alarm {key!r}", hint="All there are: iotlab alarms list --all")
        last = [journal_row(row) for row in islice(transitions(opened.store, key), _LAST)]
    form = chosen(output)
    print_item(found, Layout(form, ("alarm", "state", "severity", "title", "message")))
    if form is Output.TABLE:
        print_items(last, Layout(form, JOURNAL_COLUMNS))
