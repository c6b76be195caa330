"""One metric family a file: functions of arrays; `registry` lists them all."""
