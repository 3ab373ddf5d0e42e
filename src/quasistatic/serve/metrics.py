"""Counts and seconds of requests, as the text that Prometheus reads."""

from collections import Counter, defaultdict

__all__ = ["Metrics"]

_EDGES = (0.005, 0.02, 0.05, 0.1, 0.3, 0.5, 1.0, 3.0, 10.0, 60.0)


class Metrics:
    """What happened since the start.

    Example:
        >>> metrics = Metrics()
        >>> metrics.count("/api/score", 200, 0.01)
        >>> print(metrics.text({"quasistatic_questions_open": 0}))  # doctest: +ELLIPSIS
        # TYPE quasistatic_requests_total counter
        quasistatic_requests_total{route="/api/score",status="200"} 1
        ...
        quasistatic_questions_open 0
        <BLANKLINE>
    """

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._within: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(_EDGES))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self.remembered = 0

    def count(self, route: str, status: int, seconds: float) -> None:
        """One request more.

        Args:
            route: route of the service, never a path that somebody made up.
            status: status code of the answer.
            seconds: seconds until the answer was complete.
        """
        self._requests[route, status] += 1
        self._seconds[route] += seconds
        for place, edge in enumerate(_EDGES):
            self._within[route][place] += seconds <= edge

    def text(self, gauges: dict[str, float]) -> str:
        """All of it.

        Args:
            gauges: names of further numbers, and what they are now.
        """
        lines = ["# TYPE quasistatic_requests_total counter"]
        for (route, status), number in sorted(self._requests.items()):
            labels = f'route="{route}",status="{status}"'
            lines.append(f"quasistatic_requests_total{{{labels}}} {number}")
        lines.append("# TYPE quasistatic_request_seconds histogram")
        for route in sorted(self._seconds):
            number = sum(n for (name, _), n in self._requests.items() if name == route)
            name = "quasistatic_request_seconds"
            for edge, within in zip((*_EDGES, "+Inf"), (*self._within[route], number), strict=True):
                lines.append(f'{name}_bucket{{route="{route}",le="{edge}"}} {within}')
            lines.append(f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}')
            lines.append(f'{name}_count{{route="{route}"}} {number}')
        lines.append("# TYPE quasistatic_answers_remembered_total counter")
        lines.append(f"quasistatic_answers_remembered_total {self.remembered}")
        for name, value in gauges.items():
            lines += [f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"
