"""Alert rules and dashboard ask only for metrics, labels and states that the export has."""

from __future__ import annotations

import re
from pathlib import Path

import evidence_samples as samples
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports import prometheus
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports.verdict import verdict
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import ENDPOINT_STATES, assemble

EXTENSIONS = Path(__file__).resolve().parents[5] / "extensions"
FILES = ["prometheus/rules.yml", "grafana/in_transit.json"]


@pytest.fixture(scope="module")
def families():
    registers = {"exceptions": [samples.exception()]}
    record = assemble(samples.FACTS, samples.HOSTS, samples.hosts(), samples.baseline(), registers)
    text = "".join(prometheus.metrics(record, verdict(record)))
    return {family.name: family for family in text_string_to_metric_families(text)}


@pytest.mark.parametrize("file", FILES)
def test_every_metric_exists(file, families):
    used = set(re.findall(r"\beit_\w+", (EXTENSIONS / file).read_text(encoding="utf-8")))
    assert used
    assert used <= set(families)


@pytest.mark.parametrize("file", FILES)
def test_every_label_and_state_exists(file, families):
    text = (EXTENSIONS / file).read_text(encoding="utf-8").replace('\\"', '"')
    selectors = re.findall(r'(eit_\w+)\{(\w+)(=~?|!=)"([^"]+)"\}', text)
    assert selectors
    for metric, label, _operator, values in selectors:
        assert all(label in sample.labels for sample in families[metric].samples)
        known = set(ENDPOINT_STATES) if metric.startswith("eit_endpoint") else set()
        known |= {sample.labels[label] for sample in families[metric].samples}
        assert set(values.split("|")) <= known
