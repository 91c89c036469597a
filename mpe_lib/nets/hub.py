"""Networks on the Hugging Face Hub: `MPENet.from_pretrained("someone/something")` and `push_to_hub`."""

from pathlib import Path
from typing import Any, Self

import torch
from huggingface_hub import ModelHubMixin, hf_hub_download
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from mpe_lib.config import Config, NetConfig
from mpe_lib.errors import UserError
from mpe_lib.files import check_ordinary
from mpe_lib.nets.fit import misfit, not_finite

FILE = "model.safetensors"  #: as other libraries call it, beside config.json


class Pretrained(
    ModelHubMixin,
    library_name="mpe_lib",
    tags=["face-super-resolution", "facial-action-units", "facial-landmarks"],
    pipeline_tag="image-to-image",
):
    """`from_pretrained`, `save_pretrained` and `push_to_hub`, as huggingface_hub has them; nothing is unpickled."""

    def _save_pretrained(self, save_directory: Path) -> None:
        assert isinstance(self, nn.Module)
        save_file({name: each.contiguous() for name, each in self.state_dict().items()}, save_directory / FILE)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> Self:
        """A network of the Hub, or of a folder that `save_pretrained` wrote; options as huggingface_hub has them.

        Raises:
            UserError: no config.json, one that can't be read, or weights that do not fit it.
        """
        for name in ("config.json", FILE):
            path = Path(pretrained_model_name_or_path) / name
            try:
                check_ordinary(path)
            except OSError as error:
                raise UserError(f"{path}: {error.strerror}", "save the network again") from error
        try:
            return super().from_pretrained(pretrained_model_name_or_path, **options)
        except UserError:
            raise
        except (ValueError, TypeError, AttributeError, RecursionError) as error:  # no JSON, no table, no name
            said = f"{pretrained_model_name_or_path}: no config.json to read ({error})"
            raise UserError(said, "name what `save_pretrained` or `push_to_hub` wrote") from error

    @classmethod
    def _decode_arg(cls, expected_type: type[Any], value: Any) -> Any:
        """The config as it was: the mixin would leave out fields that it does not know, and lists for tuples in."""
        if expected_type is NetConfig:
            return Config.from_dict({"net": value}).net
        return super()._decode_arg(expected_type, value)

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        config: NetConfig | None = None,
        **_: Any,
    ) -> Self:
        """A network ready to run, as `mpe_lib.load` gives it.

        Raises:
            UserError: no config, or weights that do not fit it or are not finite.
        """
        if config is None:
            raise UserError(f"{model_id}: no config.json", "name what `save_pretrained` or `push_to_hub` wrote")
        path = Path(model_id) / FILE
        if not path.parent.is_dir():
            path = Path(
                hf_hub_download(
                    model_id,
                    FILE,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                    token=token,
                )
            )
        try:
            tensors = load_file(path)
        except (SafetensorError, OSError) as error:
            raise UserError(f"{path}: damaged, or no safetensors file ({error})", "save them again") from error
        problem = misfit(lambda: cls(config), {name: tensor.shape for name, tensor in tensors.items()})
        if problem:
            raise UserError(f"{path}: weights that do not fit its config.json ({problem})", "save them again")
        problem = not_finite(tensors)
        if problem:
            raise UserError(f"{path}: {problem}", "train again or name other weights")
        net = cls(config)
        assert isinstance(net, nn.Module)
        net.load_state_dict(tensors)
        return net.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
