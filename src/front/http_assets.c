#include "http_assets.h"

#include "http_reply.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define POLICY \
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " \
    "img-src 'self' data:; connect-src 'self'"
#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_SCRIPT "text/javascript; charset=utf-8"
#define TYPE_STYLE "text/css; charset=utf-8"
#define TYPE_YAML "application/yaml"

#define TAG_SIZE 32 /* bytes of the tag in quotes; the makefile makes 16 digits */

/* From http_assets_data.s. */
extern const char http_asset_page[];
extern const char http_asset_page_end[];
extern const char http_asset_start[];
extern const char http_asset_start_end[];
extern const char http_asset_yaml[];
extern const char http_asset_yaml_end[];
extern const char http_asset_json[];
extern const char http_asset_json_end[];
extern const char http_asset_bundle[];
extern const char http_asset_bundle_end[];
extern const char http_asset_style[];
extern const char http_asset_style_end[];
extern const char http_asset_tag[]; /* a digest of all the others, ended by a NUL */

struct asset {
    const char *path;
    const char *type;
    const char *encoding; /* or NULL */
    const char *bytes;
    const char *end;
};

static const struct asset assets[] = {
    {"/openapi.yaml", TYPE_YAML, NULL, http_asset_yaml, http_asset_yaml_end},
    {"/openapi.json", HTTP_TYPE_JSON, NULL, http_asset_json, http_asset_json_end},
    {"/docs/", TYPE_HTML, NULL, http_asset_page, http_asset_page_end},
    {"/docs/start.js", TYPE_SCRIPT, NULL, http_asset_start, http_asset_start_end},
    {"/docs/swagger-ui-bundle.js", TYPE_SCRIPT, "gzip", http_asset_bundle, http_asset_bundle_end},
    {"/docs/swagger-ui.css", TYPE_STYLE, "gzip", http_asset_style, http_asset_style_end},
};

/* Every route that leads here is in the table. */
static const struct asset *find_asset(const char *path)
{
    const struct asset *asset = assets;

    while (strcmp(asset->path, path) != 0) {
        asset++;
        assert(asset < assets + sizeof assets / sizeof assets[0]);
    }
    return asset;
}

/* Does the client have it already? The quotes keep the tag from being found inside another. */
static bool is_known(struct http_request *request, const char *tag)
{
    const char *known = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
                                                    MHD_HTTP_HEADER_IF_NONE_MATCH);

    return known != NULL && (strcmp(known, "*") == 0 || strstr(known, tag) != NULL);
}

enum MHD_Result http_assets(struct http_request *request)
{
    const struct asset *asset = find_asset(request->path);
    char tag[TAG_SIZE];

    snprintf(tag, sizeof tag, "\"%s\"", http_asset_tag);
    struct http_header headers[] = {
        {MHD_HTTP_HEADER_ETAG, tag},
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"},
        {"Content-Security-Policy", POLICY},
        {"X-Content-Type-Options", "nosniff"},
        {MHD_HTTP_HEADER_CONTENT_TYPE, asset->type},
        {MHD_HTTP_HEADER_CONTENT_ENCODING, asset->encoding},
    };
    size_t length = (size_t)(asset->end - asset->bytes);
    if (is_known(request, tag)) {
        /* The library leaves the body out, and tells its length: a length of 0 would be a lie. */
        return http_reply_constant(request, MHD_HTTP_NOT_MODIFIED, headers, 2, asset->bytes,
                                   length);
    }
    return http_reply_constant(request, MHD_HTTP_OK, headers, asset->encoding != NULL ? 6 : 5,
                               asset->bytes, length);
}

enum MHD_Result http_assets_move(struct http_request *request)
{
    /* Relative, so that it holds behind a proxy that serves us below a path of its own. */
    static const struct http_header header = {MHD_HTTP_HEADER_LOCATION, "docs/"};

    return http_reply_constant(request, MHD_HTTP_PERMANENT_REDIRECT, &header, 1, "", 0);
}
