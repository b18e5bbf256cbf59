"""The models: pure functions and small structures over numpy arrays, which know no database and no clock.

Products are numbers from 0, times are seconds since 1970. A strategy answers with `Scored`.
"""
