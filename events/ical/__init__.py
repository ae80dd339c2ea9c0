"""iCalendar (RFC 5545) written and judged by ourselves; nothing here knows Django or a row.

``writer`` makes the bytes of feeds and invitations, ``zones`` their VTIMEZONEs, ``validator`` says what is wrong with
somebody's bytes. Other people's calendars are read with the icalendar library, in ``reading``.
"""
