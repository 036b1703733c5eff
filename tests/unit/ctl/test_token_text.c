#include "ctl/token_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The expected texts were made by coreutils' basenc --base64url and sha256sum. */
static void test_token_text_is_base64url_without_padding(void **state)
{
    (void)state;
    uint8_t secret[TOKEN_SECRET_BYTES];
    char text[TOKEN_TEXT_SIZE];
    for (uint8_t i = 0; i < TOKEN_SECRET_BYTES; i++) {
        secret[i] = i;
    }
    token_text(secret, text);
    assert_string_equal(text, "seqd_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    memset(secret, 0xff, sizeof secret);
    token_text(secret, text);
    assert_string_equal(text, "seqd___________________________________________8");
    memset(secret, 0xfb, sizeof secret);
    token_text(secret, text);
    assert_string_equal(text, "seqd_-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s");
}

static void test_token_hash_is_sha256_of_the_whole_text(void **state)
{
    (void)state;
    char hash[TOKEN_HASH_SIZE];
    assert_int_equal(token_hash("seqd_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", hash), ERR_OK);
    assert_string_equal(hash, "d72943498bc41de1dcfe4063a0d6dc6bb8138a92827da871b20176ada619a54a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_text_is_base64url_without_padding),
        cmocka_unit_test(test_token_hash_is_sha256_of_the_whole_text),
    };
    return cmocka_run_group_tests_name("token_text", tests, NULL, NULL);
}
