# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How fast nginx configuration trees of 1 to 10 MB are read, understood and planned.

The tree is what ``nginx -T`` prints of a large reverse proxy: one main file and many sites of eight kilobytes. Times
are the best of several runs, in CPU seconds: other work on the machine does not count. The peer is crossplane, the
parser NGINX Inc. publishes on PyPI, on the 1 MB tree; its result is not lossless.
"""

from __future__ import annotations

import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.stack import Nginx

NAMES = ("nginx_parser_10mb", "nginx_parser_linear", "nginx_parser_peer", "nginx_plan_10mb")

SIZES = (1, 2, 5, 10)

MAIN = """user www-data;
events { worker_connections 768; }
http {
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; # Dropping SSLv3, ref: POODLE
    include sites/*.conf;
}
"""

SITE = """# ---------- site %(number)d ----------
server {
    listen 443 ssl http2;
    listen [::]:443 ssl http2;
    server_name site%(number)d.example www.site%(number)d.example;
    ssl_certificate /etc/letsencrypt/live/site%(number)d.example/fullchain.pem; # managed by Certbot
    ssl_certificate_key /etc/letsencrypt/live/site%(number)d.example/privkey.pem; # managed by Certbot
    ssl_session_cache shared:SSL:10m;
    add_header X-Frame-Options "SAMEORIGIN" always;
"""

LOCATION = """    location ~* ^/app%(number)d/(?<id>[0-9]+)/.*\\.(jpg|png)$ {
        # pass it on
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Request "id=$id; from=${remote_addr}";
        proxy_pass http://10.0.%(number)d.1:8080;
        if ($request_method = OPTIONS) { return 204; }
    }
"""


def write_tree(folder: Path, megabytes: int) -> str:
    """A tree of about that size; the path of its main file."""
    (folder / "sites").mkdir(parents=True)
    size = number = 0
    while size < megabytes * 1_000_000:
        text = SITE % {"number": number} + "".join(LOCATION % {"number": index} for index in range(20)) + "}\n"
        (folder / "sites" / f"{number:05}.conf").write_text(text)
        size += len(text)
        number += 1
    (folder / "nginx.conf").write_text(MAIN)
    return str(folder / "nginx.conf")


def seconds(work: t.Callable[[], t.Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def measure() -> tuple[dict[int, float], float, float | None]:
    """CPU seconds to parse each size, to plan the largest, and for the peer to parse the smallest (None: no peer)."""
    stack, host, baseline = Nginx(), Host(), model.load("intermediate")
    capabilities = openssl.capabilities((3, 0, 19), ["ssl_conf_command"])
    with tempfile.TemporaryDirectory() as folder:
        configs = {size: write_tree(Path(folder) / str(size), size) for size in SIZES}
        instances = {
            size: Instance("nginx", config, (1, 22, 1), config, capabilities, False, {})
            for size, config in configs.items()
        }
        times = dict.fromkeys(SIZES, float("inf"))
        for _round in range(5):
            # In turns, so that what else the machine does hits all sizes alike.
            for size, instance in instances.items():
                times[size] = min(times[size], seconds(lambda one=instance: stack.read(host, one)))  # type: ignore[misc]
        largest = instances[SIZES[-1]]
        documents = stack.read(host, largest)
        planned = seconds(lambda: stack.plan(largest, documents, baseline, {}))
        peer = None
        try:
            import crossplane
        except ImportError:
            pass
        else:
            peer = seconds(lambda: crossplane.parse(configs[1]))
    return times, planned, peer


def row(name: str, unit: str, ours: float, other: float | None, other_name: str, **rest: t.Any) -> dict[str, t.Any]:
    return {"name": name, "unit": unit, "ours": ours, "other": other, "other_name": other_name, **rest}


def run() -> list[dict[str, t.Any]]:
    times, planned, peer = measure()
    small, large = SIZES[0], SIZES[-1]
    growth = (times[large] / large) / (times[small] / small)
    ahead = peer / times[small] if peer else None
    per_size = ", ".join(f"{size} MB {size / times[size]:.0f} MB/s" for size in SIZES)
    print(f"  nginx parser: {per_size}", file=sys.stderr)
    return [
        row("nginx_parser_10mb", "s", times[large], 2.0, "the promise",
            ratio=times[large] / 2.0, goal="<= 1", met=times[large] <= 2.0),
        row("nginx_parser_linear", "s/MB", times[large] / large, times[small] / small, "1 MB tree",
            ratio=growth, goal="<= 1.5", met=growth <= 1.5),
        row("nginx_parser_peer", "s/MB", times[small], peer, "crossplane 0.5.8",
            ratio=ahead, goal=">= 1", met=None if ahead is None else ahead >= 1),
        row("nginx_plan_10mb", "s", planned, None, "", ratio=None, goal="", met=None),
    ]  # fmt: skip


if __name__ == "__main__":
    for line in run():
        print(line)
