#!/usr/bin/env python3
"""Proves that the kernels' square roots by Newton's iteration are correctly rounded, whatever the processor.

`Sources/CKernels/square_roots.h` starts from an estimate y of 1/sqrt(a) of which only the relative error
is known, and rounds seven times (RN, to nearest):

    g0 = RN(a y), h0 = y / 2;  r = RN(1/2 - g0 h0);  g = RN(g0 + g0 r), h = RN(h0 + h0 r)
    d = RN(a - g g);  root = RN(g + h d)

All scales with powers of four, so a in [1, 4) is all there is. Let u = 2^-23 be the distance of neighbours
in [1, 2), e the estimate's relative error, |e| <= 2^-14. The errors of the roundings and of Newton's
iteration add up to |g - sqrt(a)| < 1.1 u, and h = (1 + eta) / (2 sqrt(a)) with |eta| < 1.6 * 2^-24; d is
exact or off by half a unit in the last place, at most u^2. So before its last rounding

    g + h d = sqrt(a) - (sqrt(a) - g)^2 / (2 sqrt(a)) + eta (sqrt(a) - g) + error of h d

is nearer than 2^-22 u to sqrt(a). The last rounding is right unless a midpoint of two neighbours is as near
as that: |a - (k + 1/2)^2 u^2| < 16 u^2 for a whole k. Since a is a multiple of u (of 2u from 2 on), this asks for
k (k + 1) + j to be one of 2^23 (2^24), j a small whole number, which few k fulfil. For each of
them this program tries every estimate within the bound, in exact rational arithmetic.

After Cornea-Hasegan, Golliver, Markstein, "Correctness proofs outline for Newton-Raphson based floating-
point divide and square root algorithms", IEEE Symposium on Computer Arithmetic, 1999.

Exit code 1, with the cases, if there is an estimate that leads to another root.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from math import isqrt

PRECISION = 24
ESTIMATE_BITS = 14
WINDOW = 16


def rounded(value: Fraction) -> Fraction:
    """To the nearest float, ties to even; without limits of the exponent."""
    if value == 0:
        return value
    numerator, denominator = abs(value.numerator), value.denominator
    exponent = numerator.bit_length() - denominator.bit_length() - PRECISION
    unit = Fraction(2) ** exponent
    while abs(value) / unit >= 1 << PRECISION:
        unit *= 2
    return round(value / unit) * unit


def root_by_newton(a: Fraction, y: Fraction) -> Fraction:
    """What the kernel computes from the estimate `y`."""
    g, h = rounded(a * y), y / 2
    r = rounded(Fraction(1, 2) - g * h)
    g, h = rounded(g + g * r), rounded(h + h * r)
    d = rounded(a - g * g)
    return rounded(g + h * d)


def hard_cases() -> list[Fraction]:
    """The a in [1, 4) whose root is so near to a midpoint that the bound does not decide."""
    cases = set()
    unit = Fraction(1, 1 << 46)
    for k in range(1 << 23, 1 << 24):
        product = k * (k + 1)
        # sqrt(a) in [1, 2) lies between k u and (k + 1) u; a / u^2 is a whole multiple of 2^23 or 2^24.
        multiple = 1 << (23 if product < 1 << 47 else 24)
        if (product + WINDOW) % multiple <= 2 * WINDOW:
            nearest = (product + multiple // 2) // multiple * multiple
            cases.add(nearest * unit)
    return sorted(case for case in cases if 1 <= case < 4)


def root(a: Fraction) -> Fraction:
    """The correctly rounded root of `a`, which is a multiple of 2^-46."""
    scaled = int(a * (1 << 46))
    k = isqrt(scaled)
    # No root of a float is a midpoint, so the comparison is strict.
    return Fraction(k if 4 * scaled < (2 * k + 1) ** 2 else k + 1, 1 << 23)


def estimates(a: Fraction) -> list[Fraction]:
    """Every float y with |y sqrt(a) - 1| <= 2^-14."""
    unit = 1 << 48
    low, high = (1 - Fraction(1, 1 << ESTIMATE_BITS)) ** 2, (1 + Fraction(1, 1 << ESTIMATE_BITS)) ** 2
    first = isqrt(int(low / a * unit)) - 1
    found = []
    y = rounded(Fraction(first, 1 << 24))
    while y * y * a <= high:
        if y * y * a >= low:
            found.append(y)
        y += Fraction(1, 1 << (24 if y < 1 else 23))
    return found


def main() -> int:
    cases = hard_cases()
    failures = tried = 0
    for a in cases:
        right = root(a)
        for y in estimates(a):
            tried += 1
            if root_by_newton(a, y) != right:
                failures += 1
                if failures <= 20:
                    print(f"wrong: a = {float(a).hex()}, estimate {float(y).hex()}")
    print(f"{len(cases)} hard cases, {tried} estimates, {failures} wrong roots")
    return 1 if failures or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
