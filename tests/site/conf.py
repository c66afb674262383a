# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sphinx configuration of the documentation site (tests/site/build builds it)."""

project = "waba.cluster"
project_copyright = "waba.cluster contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext", "sphinxcontrib.mermaid"]
html_theme = "sphinx_ansible_theme"
html_title = "waba.cluster"
html_show_sphinx = False
myst_heading_anchors = 6
myst_fence_as_directive = ["mermaid"]
nitpicky = False
