# The bytes of http_assets.c: NAME and NAME_end enclose those of a file, and a NUL follows. Files without
# a folder come from the folder that the makefile passes by -I.

    .macro asset name, file
    .globl \name
    .globl \name\()_end
\name:
    .incbin "\file"
\name\()_end:
    .byte 0
    .endm

    .section .rodata
    asset http_asset_page, "src/front/assets/docs.html"
    asset http_asset_start, "src/front/assets/start.js"
    asset http_asset_yaml, "docs/openapi.yaml"
    asset http_asset_json, "openapi.json"
    asset http_asset_bundle, "swagger-ui-bundle.js.gz"
    asset http_asset_style, "swagger-ui.css.gz"
    asset http_asset_tag, "tag"

# Nothing here wants an executable stack.
    .section .note.GNU-stack, "", %progbits
