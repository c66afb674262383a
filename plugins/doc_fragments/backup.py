# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  media:
    description:
      - The volume or folder with the media, as in C(waba_volumes.media). M(waba.cluster.backup) adds its content to the archive;
        M(waba.cluster.restore) extracts the archive's media into it.
      - For a restore it must exist. Files with the same name are overwritten. Media are not touched when this option is absent.
    type: dict
    suboptions:
      type:
        description: As for M(waba.cluster.compose_files).
        type: str
        choices: [named, external, bind]
        default: named
      source:
        description: Name of the volume, or the folder's absolute path.
        type: str
        required: true
      owner:
        description: Ignored.
        type: int
      mode:
        description: Ignored.
        type: str
"""
