"""``manage.py doctor``: is this installation whole, and if not, how is it mended?"""
