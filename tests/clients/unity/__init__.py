"""C# of the Unity package, compiled and run without Unity: compiler, tests in C#, and signatures of Unity's API.

``toolchain.py`` finds or fetches the compiler, ``build.py`` compiles, ``cs/`` has the tests, ``stubs/`` declarations of
what the package calls in Unity, NetMQ and UniVRM. Those say what compiles and nothing of how it behaves there.
"""
