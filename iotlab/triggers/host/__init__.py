"""The handler host: functions written for AWS Lambda, each in a child process of its own that can't hurt the lab."""
