"""Bridges: subscribers that hand an avatar's face and body on in the protocols that avatar programs receive (VMC, Live
Link Face, iFacialMocap, VTube Studio). ``python -m clients.bridges URL ...`` runs them; README.md says how to use them.

From inside to outside: ``address.py`` reads a URL, ``poser.py`` makes poses of the frames that come, a ``Bridge`` of
``bridge.py`` takes the newest pose to a protocol in a thread of its own. The protocols are pure functions of a pose:
``vmc.py``, ``livelink.py``, ``ifacialmocap.py``, ``vts.py``.
"""
