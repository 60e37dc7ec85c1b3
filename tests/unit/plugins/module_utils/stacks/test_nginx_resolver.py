# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Includes: which files, in which order, and what stands where in the running configuration."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx import resolver
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MAIN, Case


def names(scope):
    return [item.kind if isinstance(item, resolver.Scope) else item.text for item in scope.items]


def test_includes_are_relative_to_the_main_file_and_sorted_by_byte():
    case = Case(
        {
            MAIN: "include conf.d/*.conf; last;",
            "/etc/nginx/conf.d/b.conf": "b; include sub/x.conf;",
            "/etc/nginx/conf.d/B.conf": "B;",
            "/etc/nginx/conf.d/a.conf~": "no;",
            "/etc/nginx/conf.d/.c.conf": "no;",
            "/etc/nginx/sub/x.conf": "x;",
        }
    )
    main = resolver.resolve(case.documents)
    assert names(main) == ["B;", "b;", "x;", "last;"]
    assert [document.path for document in case.documents] == [
        MAIN, "/etc/nginx/conf.d/B.conf", "/etc/nginx/conf.d/b.conf", "/etc/nginx/sub/x.conf",
    ]  # fmt: skip


def test_a_link_is_read_as_the_file_behind_it_and_only_once():
    case = Case(
        {MAIN: "http { include sites-enabled/*; }", "/etc/nginx/sites-available/a": "server {}"},
        links={
            "/etc/nginx/sites-enabled/1": "/etc/nginx/sites-available/a",
            "/etc/nginx/sites-enabled/2": "/etc/nginx/sites-available/a",
        },
    )
    assert [document.path for document in case.documents] == [MAIN, "/etc/nginx/sites-available/a"]
    first, second = resolver.resolve(case.documents).blocks("http")[0].blocks("server")
    assert first.directive is second.directive and first is not second


def test_one_snippet_in_several_contexts():
    case = Case(
        {
            MAIN: "http { include tls; server { include tls; } } stream { include tls; }",
            "/etc/nginx/tls": "ssl_protocols TLSv1;",
        }
    )
    http, stream = resolver.resolve(case.documents).blocks("http", "stream")
    assert len(case.documents) == 2
    assert (
        http.own("ssl_protocols")[0]
        is http.blocks("server")[0].own("ssl_protocols")[0]
        is stream.own("ssl_protocols")[0]
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({MAIN: "include nginx.conf;"}, "/etc/nginx/nginx.conf:1:1: /etc/nginx/nginx.conf includes itself"),
        (
            {MAIN: "\ninclude a;", "/etc/nginx/a": "include b;", "/etc/nginx/b": "x;\n include a;"},
            "/etc/nginx/b:2:2: /etc/nginx/a includes itself: /etc/nginx/nginx.conf > /etc/nginx/a > /etc/nginx/b > ",
        ),
        ({MAIN: "x;\n  include gone.conf;"}, '/etc/nginx/nginx.conf:2:3: the included file "/etc/nginx/gone.conf"'),
        ({"/other": ""}, "/etc/nginx/nginx.conf: cannot be read: No such file"),
        ({MAIN: "include a b;"}, "/etc/nginx/nginx.conf:1:1: include takes one file or pattern, 2 are given"),
        ({MAIN: "http { include a; }", "/etc/nginx/a": "server {\n"}, '/etc/nginx/a:1:8: the block "server"'),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(files, message):
    with pytest.raises(ConfigurationError) as caught:
        Case(files)
    assert str(caught.value).startswith(message)


def test_a_pattern_without_a_match_is_no_error():
    assert len(Case({MAIN: "include conf.d/*.conf;"}).documents) == 1


def test_files_that_multiply_are_stopped():
    files = {MAIN: "include f0;"}
    for number in range(40):
        files[f"/etc/nginx/f{number}"] = f"include f{number + 1}; include f{number + 1};"
    files["/etc/nginx/f40"] = "x;"
    with pytest.raises(ConfigurationError, match="multiply the configuration"):
        resolver.resolve(Case(files).documents)


def test_entries_of_data_blocks_are_no_directives():
    case = Case("http { map $a $ssl { default x; } types { text/html html; } geo $x { default 0; } }")
    assert [scope.items for scope in resolver.resolve(case.documents).blocks("http")[0].blocks()] == [[], [], []]
