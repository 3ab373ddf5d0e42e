"""What can be asked of a fitted model: functions of a `Fitted` and a `Table`, which return a result
or a `Table`.
"""
