"""The tests of the claims, as pure functions of arrays; docs/claims.md gives the reasons.

``contrasts`` and ``rates`` measure one effect each, ``verdicts`` combines them and corrects over
claims, ``sizes`` (C1), ``searches`` (C2, C3) and ``agents`` (C4, C5) decide, and ``simulation``
tells how often they err. Scores are (seeds, tasks), with sizes or draws as a third axis.
"""
