"""How static files are named in production: by their content, the modules of our script included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites the imports of script modules; without it a browser could keep an old module for a year."""

    support_js_module_import_aggregation = True
