"""Rotate: new values for the state secret and for client secrets, while what the old ones have given out stays valid.

Nothing is kept between runs: which step is next is read from Secrets Manager and Cognito, so that an interrupted run is resumed by the
same command. No value of a secret is printed, nor put into an error.
"""
