"""A network's config with that of its training, as a run and weights keep it."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mpe_lib.config.compared import NETWORKS, AnyNet
from mpe_lib.config.fields import near, parse
from mpe_lib.config.net import NetConfig
from mpe_lib.config.training import TrainConfig
from mpe_lib.errors import UserError


@dataclass(frozen=True)
class Config:
    """A network and how it is trained."""

    net: AnyNet = field(default_factory=NetConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def to_dict(self) -> dict[str, Any]:
        """Plain types only, as JSON holds them."""
        values = {"net": {"system": self.net.system} | dataclasses.asdict(self.net)}
        return json.loads(json.dumps(values | {"train": dataclasses.asdict(self.train)}))

    @classmethod
    def from_dict(cls, values: Any) -> "Config":
        """The inverse of `to_dict`, a table of tables; absent fields take their defaults.

        Raises:
            UserError: an unknown field or a value of the wrong type, with the near misses named.
        """
        if not isinstance(values, Mapping):
            raise UserError(f"{values!r:.40} is no config", "a table with the parts net and train")
        parts = {part: dict(_mapping(part, fields)) for part, fields in values.items()}
        system = parts.get("net", {}).pop("system", "mpenet")  # the weights of MPENet were there before the others
        if not isinstance(system, str) or system not in NETWORKS:
            raise UserError(f"unknown system {system!r:.40}", near(str(system), NETWORKS))
        flat = {f"{part}.{name}": value for part, fields in parts.items() for name, value in fields.items()}
        return cls(NETWORKS[system]()).replace(flat)

    def replace(self, changes: Mapping[str, Any]) -> "Config":
        """A copy with the fields of `changes` set, named as in `train.lr`; values may be text.

        Raises:
            UserError: an unknown field or a value of the wrong type, with the near misses named.
        """
        new: dict[str, dict[str, Any]] = {"net": {}, "train": {}}
        known = [f"{part}.{f.name}" for part in new for f in dataclasses.fields(getattr(self, part))]
        for path, value in changes.items():
            if path not in known:
                raise UserError(f"unknown field '{path}'", near(path, known))
            part, name = path.split(".")
            new[part][name] = parse(type(getattr(self, part)), path, value)
        return Config(dataclasses.replace(self.net, **new["net"]), dataclasses.replace(self.train, **new["train"]))


def _mapping(part: str, fields: Any) -> Mapping[str, Any]:
    if part not in ("net", "train") or not isinstance(fields, Mapping):
        raise UserError(f"'{part}' is no part of a config", "its parts are net and train, each a table of fields")
    return fields
