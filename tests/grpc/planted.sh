#!/bin/bash
# Plant errors in the gRPC front, one at a time; for each, the test that is there for it must fail.
# A file is changed by perl and linked before the archive that holds it unchanged, so nothing else is built again.
#
#   COMPILE='cc FLAGS' LIBS='-lx …' tests/grpc/planted.sh FOLDER-OF-THE-BUILD
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?usage: planted.sh FOLDER-OF-THE-BUILD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
most=$((8 * $(nproc))) # at a time; most of a test's time is waiting
count=0

plant() { # NAME TEST-PROGRAM TEST FILE PERL-SUBSTITUTION
    while [ "$(jobs -rp | wc -l)" -ge "$most" ]; do
        wait -n || true
    done
    count=$((count + 1))
    plant_one "$work/$count" "$@" >"$work/$count.said" &
}

wraps() { # OBJECT...: what they replace
    nm "$@" | sed -n 's/.* T __wrap_/-Wl,--wrap=/p'
}

plant_one() {
    local place=$1 name=$2 program=$build/tests/unit/front/$3.o test=$4 file=src/front/$5 how=$6 code=0
    mkdir "$place"
    perl -0pe "$how" "$file" >"$place/planted.c"
    if cmp -s "$place/planted.c" "$file"; then
        echo "FAILED: '$name' changes nothing in $file: the code has moved on, plant it anew"
        return
    fi
    sed -i '1i #include <stdbool.h>' "$place/planted.c"
    # shellcheck disable=SC2046,SC2086  # words are what is wanted
    if ! $COMPILE -Wno-error -iquote src/front -c -o "$place/planted.o" "$place/planted.c" >"$place/log" 2>&1 ||
       ! $COMPILE $(wraps "$program" "$work/chosen.o") -o "$place/test" "$program" "$work/chosen.o" "$place/planted.o" \
             "$build/src/front/epoll.o" "$build"/lib{test,front,core,store,base}.a -lcmocka $LIBS >>"$place/log" 2>&1; then
        echo "FAILED: '$name' does not build: $(grep -m1 error "$place/log")"
        return
    fi
    { TEST=$test timeout 60 "$place/test" >"$place/log" 2>&1 || code=$?; } 2>/dev/null # bash's word of an abort
    if [ "$code" = 0 ] || ! grep -q "^\[ RUN      \] $test\$" "$place/log"; then
        echo "FAILED: '$name' was not found by $test"
    else
        echo "planted: $name: found by $test"
    fi
    rm -r "$place"
}

$COMPILE -c -o "$work/chosen.o" tests/grpc/chosen.c

# --- those first that a test takes its time for: who stands still, grows old, or never hears

connection=grpc_connection.c
plant 'who never hears may stay' test_grpc_stop test_grpc_drain_sees_off_who_never_hears $connection \
    's/due = clock_after\(connection->left_at, grpc_service_request_ns\(service\)\);//'
plant 'who idles may stay' test_grpc_connection test_grpc_connection_that_idles_is_asked_to_leave $connection \
    's/due = end.ns < due.ns \? end : due;//'
plant 'pings keep a connection busy' test_grpc_connection test_grpc_connection_is_idle_though_it_pings $connection \
    's/(ssize_t length = grpc_wire_read\([^;]*;)/$1\n    connection->since = loop->now;/'
plant 'no connection is too old' test_grpc_connection test_grpc_connection_that_is_old_is_asked_to_leave $connection \
    's/due = clock_after\(connection->opened, age_ns\);//'
plant 'a call keeps an old connection' test_grpc_connection test_grpc_connection_that_is_old_ends_its_calls $connection \
    's/end_long_calls\(connection\);(\s+connection->left_at)/$1/'
plant 'who reads nothing may stay' test_grpc_connection test_grpc_connection_that_does_not_read_is_closed $connection \
    's/is_blocked\(connection\)\) \{\n(\s+grpc_connection_refuse\(connection, REFUSAL_SLOW\);)/is_blocked(connection)) {\n/'
plant 'who says nothing may stay' test_grpc_access test_grpc_tls_does_not_wait_for_a_handshake $connection \
    's/bool acts = is_blocked\(connection\) \|\| !connection->wire.shaken;/bool acts = is_blocked(connection);/'
plant 'a request may take for ever' test_grpc_connection test_grpc_call_has_to_be_whole_in_time grpc_call.c \
    's/!call->half_closed && call->whole_by.ns < due.ns/false/'
plant 'headers may take for ever' test_grpc_connection test_grpc_headers_have_to_be_whole_in_time grpc_call.c \
    's/grpc_connection_refuse\(call->connection, REFUSAL_SLOW\);//'
plant 'an answer waits for ever' test_grpc_connection test_grpc_call_has_to_be_read_in_time grpc_call.c \
    's/if \(call->step == GRPC_CALL_ENDED\) \{\n        hurry\(call\);/if (call->step == GRPC_CALL_ENDED) {/'
plant 'no last word' test_grpc_stop test_grpc_drain_asks_clients_to_leave grpc_session.c \
    's/(sizeof leave_mark\) == 0\) \{\n)\s+grpc_session_left\(connection\);/$1/'
plant 'any number of waits' test_grpc_stream test_grpc_stream_bounds_what_waits grpc_call.c \
    's/call->ticket_count >= GRPC_TICKETS_MAX/false/'
plant 'a stream that holds up the stop' test_grpc_stream test_grpc_stream_that_is_idle_does_not_hold_up_the_stop grpc_next.c \
    's/call->leaving = true;//'

# --- the head of a call

plant 'any method' test_grpc_call test_grpc_call_takes_post_only grpc_head.c \
    's/!head->is_post/false/'
plant 'any content type' test_grpc_call test_grpc_call_takes_its_own_content_type_only grpc_head.c \
    's/!head->is_grpc/false/'
plant 'JSON passes for Protocol Buffers' test_grpc_call test_grpc_call_takes_its_own_content_type_only grpc_fields.c \
    's/return at == length \|\| text\[at\] == .;.;/return true;/'
plant "a path that only begins as a method's" test_grpc_call test_grpc_call_names_a_method_that_is_not_there grpc_method.c \
    's/strncmp\(table\[i\]->path, path, length\) == 0 && .*\)/strncmp(table[i]->path, path, length) == 0)/'
plant 'headers one byte longer' test_grpc_call test_grpc_call_bounds_its_headers_to_the_byte grpc_head.c \
    's/(bool grpc_head_check.*?head->bytes > GRPC_HEADERS_MAX)/$1 + 1/s'
plant 'headers one byte shorter' test_grpc_call test_grpc_call_bounds_its_headers_to_the_byte grpc_head.c \
    's/(bool grpc_head_check.*?head->bytes) > GRPC_HEADERS_MAX/$1 >= GRPC_HEADERS_MAX/s'
plant 'a timeout that is none is passed over' test_grpc_call test_grpc_call_refuses_a_timeout_that_is_none grpc_head.c \
    's/head->bad_timeout\) \{/false) {/'
plant 'the first of two timeouts' test_grpc_call test_grpc_call_refuses_a_timeout_that_is_none grpc_head.c \
    's/ \|\| head->timeout_ns != UINT64_MAX//'
plant 'minutes for milliseconds' test_grpc_pure test_grpc_timeout_understands_every_unit grpc_fields.c \
    's/return CLOCK_NS_PER_MS;/return 60 * CLOCK_NS_PER_S;/'
plant 'a second token beside the first' test_grpc_access test_grpc_access_takes_one_authorization_only grpc_head.c \
    's/head->repeated_authorization = [^;]*;//'

# --- its messages

plant 'the compressed flag is not looked at' test_grpc_call test_grpc_call_knows_no_compression grpc_frame.c \
    's/length >= 1 && bytes\[0\] != 0/false/'
plant 'any compression passes for none' test_grpc_call test_grpc_call_knows_no_compression grpc_head.c \
    's/head->foreign_encoding = [^;]*;//'
plant 'a message one byte longer' test_grpc_call test_grpc_call_bounds_its_message grpc_frame.c \
    's/size > max_message\)/size > max_message + 1)/'
plant 'a message one byte shorter' test_grpc_pure test_grpc_frame_objects_as_early_as_it_can grpc_frame.c \
    's/size > max_message\)/size >= max_message)/'
plant 'a cut message passes for none' test_grpc_call test_grpc_call_notices_a_cut_message grpc_call.c \
    's/object_to\(call, GRPC_FRAME_MORE\);\n    \} else if \(call->step/object_to(call, GRPC_FRAME_WHOLE);\n    } else if (call->step/'
plant 'a stream ends well with a cut message' test_grpc_stream test_grpc_stream_ends_with_what_is_no_message grpc_call.c \
    's/call->half_closed && grpc_buffer_length\(&call->input\) > 0/false/'
plant 'no message passes for an empty one' test_grpc_call test_grpc_call_takes_exactly_one_message grpc_call.c \
    's/object_to\(call, GRPC_FRAME_WHOLE\); .. none is not one .*/call->method->message(call, NULL, 0);/'
plant 'a second message is passed over' test_grpc_call test_grpc_call_takes_exactly_one_message grpc_call.c \
    's/\(result == GRPC_FRAME_WHOLE && length == GRPC_FRAME_HEAD \+ message.length\)/result == GRPC_FRAME_WHOLE/'
plant 'what is no message asks for the default' test_grpc_next test_grpc_next_refuses_what_is_no_message grpc_next.c \
    's/if \(request == NULL\) \{.*?\n    \}/static const Seqd__V1__NextRequest none = SEQD__V1__NEXT_REQUEST__INIT;\n    request = request == NULL ? &none : request;/s'
plant 'a name ends at its first NUL' test_grpc_next test_grpc_next_refuses_names_that_are_none grpc_arena.c \
    's/return size == length \+ 1;/return true;/'

# --- deadlines, and who goes

plant 'a deadline that has passed is not looked at' test_grpc_frames test_grpc_frames_past_the_deadline_take_no_number grpc_take.c \
    's/if \(grpc_call_is_late\(call\)\) \{\n        return refuse_unavailable/if (false) {\n        return refuse_unavailable/'
plant 'no deadline ever comes' test_grpc_stream test_grpc_stream_ends_at_its_deadline grpc_call.c \
    's/call->deadline = clock_after\(clock_now\(\), call->head.timeout_ns\);//'
plant 'the service has the patience of the client' test_grpc_wait test_grpc_wait_ends_with_the_patience_of_the_service grpc_call.c \
    's/struct instant deadline = clock_after\(clock_now\(\), grpc_service_wait_ns\(loop->service\)\);/struct instant deadline = call->deadline;/'
plant 'a reset leaves the wait as it was' test_grpc_wait test_grpc_wait_of_a_call_that_was_reset_takes_no_number grpc_ticket.c \
    's/&ticket->gone, true/&ticket->gone, false/'
plant 'a reset is not counted' test_grpc_call test_grpc_call_that_is_reset_is_counted grpc_call.c \
    's/GRPC_CANCELLED\)/GRPC_OK)/'
plant 'a reset leaves the waits of a stream as they were' test_grpc_stream test_grpc_stream_that_is_reset_takes_no_more grpc_ticket.c \
    's/&ticket->gone, true/&ticket->gone, false/'

plant 'any number of answers' test_grpc_stream test_grpc_stream_takes_no_more_than_is_read grpc_call.c \
    's/grpc_buffer_length\(&call->output\) >= GRPC_OUTPUT_HIGH/false/'

# --- what goes back

plant 'a per cent sign as it is' test_grpc_call test_grpc_call_encodes_what_it_repeats grpc_status.c \
    's/ && byte != .%.//'
plant 'bytes beyond ASCII as they are' test_grpc_call test_grpc_call_encodes_what_it_repeats grpc_status.c \
    's/byte <= 0x7E/byte <= 0xFF/'
plant 'an escape is cut' test_grpc_pure test_grpc_status_never_cuts_an_escape grpc_status.c \
    's/\(plain \? 1 : 3\)/1/'
plant 'headers before a status alone' test_grpc_call test_grpc_call_names_a_method_that_is_not_there grpc_reply.c \
    's/if \(!call->responded\) \{\n        send_trailers_only/if (false) {\n        send_trailers_only/'
plant 'a client is not asked to stop sending' test_grpc_call test_grpc_call_does_not_wait_for_what_it_will_not_read grpc_session.c \
    's/nghttp2_submit_rst_stream\(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR\)/nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL)/'
plant 'no hint when to try again' test_grpc_wait test_grpc_wait_ends_with_the_patience_of_the_service grpc_reply.c \
    's/call->retry = [^;]*;//'
plant 'no hint in a stream' test_grpc_stream test_grpc_stream_says_when_to_try_again grpc_next.c \
    's/refusal->code == GRPC_UNAVAILABLE \? GRPC_RETRY_MS : 0/0/'
plant 'an empty sequence is unavailable' test_grpc_next test_grpc_next_says_when_the_numbers_end grpc_take.c \
    's/GRPC_OUT_OF_RANGE/GRPC_UNAVAILABLE/'
plant 'an unknown sequence is invalid' test_grpc_next test_grpc_next_names_a_sequence_that_is_not_there grpc_take.c \
    's/GRPC_NOT_FOUND, "there is no sequence .%s.", name/GRPC_INVALID_ARGUMENT, "there is no sequence %s", name/'
plant 'a count of 0' test_grpc_next test_grpc_next_names_the_limit_of_a_count grpc_take.c \
    's/wish->count < 1/wish->count < 0/'
plant 'one number too many' test_grpc_next test_grpc_next_names_the_limit_of_a_count grpc_take.c \
    's/count > max_count/count > max_count + 1/'
plant 'another definition is a failed precondition' test_grpc_admin test_grpc_create_refuses_what_cannot_be grpc_admin.c \
    's/GRPC_ALREADY_EXISTS/GRPC_FAILED_PRECONDITION/'
plant 'a way back that exists already' test_grpc_admin test_grpc_advance_goes_forward_and_back_only_by_force grpc_admin.c \
    's/: GRPC_FAILED_PRECONDITION/: GRPC_ALREADY_EXISTS/'

plant 'a number below 0' test_grpc_decode test_grpc_decode_names_what_is_wrong grpc_decode.c \
    's/request->number < 0/false/'
plant 'no number passes for 0' test_grpc_decode test_grpc_decode_names_what_is_wrong grpc_decode.c \
    's/request->number_is_case != \w+/false/'
plant 'a span without an end' test_grpc_decode test_grpc_decode_names_what_is_wrong grpc_decode.c \
    's/request->to_ms_is_case != \w+/false/'
plant 'a counter holds a time' test_grpc_decode test_grpc_decode_is_of_timestamps_only grpc_decode.c \
    's/status.definition.kind != SEQUENCE_TIMESTAMP/false/'

# --- rights

plant 'no right to look' test_grpc_access test_grpc_access_to_look_takes_a_token grpc_show.c \
    's/name = grpc_show_name\(call, name, ACCESS_READ\);/name = grpc_show_name(call, name, ACCESS_ISSUE);/'

plant 'no right to draw' test_grpc_access test_grpc_access_refuses_without_a_number grpc_take.c \
    's/if \(!may_issue\(call, name, length, refusal\)\)/if (false)/'
plant 'no token is as bad as a wrong one' test_grpc_access test_grpc_access_refuses_without_a_number grpc_access.c \
    's/GRPC_PERMISSION_DENIED/GRPC_UNAUTHENTICATED/'
plant 'no right to change' test_grpc_admin test_grpc_admin_takes_the_right_to grpc_show.c \
    's/verdict.code == GRPC_OK;\n\}\n\nstatic bool is_text/true;\n}\n\nstatic bool is_text/; s/if \(verdict.code != GRPC_OK\)/if (false)/'

plant 'a place that other machines reach' test_grpc_access test_grpc_access_from_afar_must_be_wanted listener.c \
    's/place->remote && !ground->remote_is_wanted/false/'

# --- connections

plant 'no limit to streams' test_grpc_flood test_grpc_streams_beyond_the_limit_are_refused grpc_session.c \
    's/connection->loop->service->max_streams\}/1000000}/'
plant 'pings without an answer' test_grpc_connection test_grpc_connection_answers_pings grpc_session.c \
    's/(nghttp2_option_set_no_auto_window_update)/nghttp2_option_set_no_auto_ping_ack(kind->option, 1);\n    $1/'
plant 'endless patience' test_grpc_flood test_grpc_flood_of_pings grpc_session.c \
    's/connection->patience--;//'
plant 'empty data costs nothing' test_grpc_flood test_grpc_flood_of_empty_data grpc_session.c \
    's/return suffer\(connection\);/return 0;/'
plant 'resets cost nothing' test_grpc_flood test_grpc_flood_of_resets grpc_session.c \
    's/return type == NGHTTP2_DATA/return type == NGHTTP2_RST_STREAM || type == NGHTTP2_DATA/; s/nghttp2_option_set_stream_reset_rate_limit.*?;//s'
plant 'headers that never end' test_grpc_flood test_grpc_flood_of_continuations grpc_session.c \
    's/nghttp2_option_set_max_continuations.*?;/nghttp2_option_set_max_continuations(kind->option, 1000000);/'
plant 'headers are kept however many' test_grpc_flood test_grpc_flood_of_packed_headers grpc_head.c \
    's/head->bytes \+= [^;]*;//'
plant 'any number from one address' test_grpc_connection test_grpc_connections_of_one_address_are_bounded grpc_door.c \
    's/case WELCOME:/case WELCOME_CROWDED:\n    case WELCOME:/; s/    case WELCOME_CROWDED:\n        refusals.*?break;\n//s'
plant 'any number of connections' test_grpc_connection test_grpc_connections_beyond_the_limit_wait grpc_door.c \
    's/!guests_has_room\([^;{]*\) \{/false) {/'
plant 'no ALPN' test_grpc_access test_grpc_tls_sends_away_who_does_not_speak_http_2 grpc_wire.c \
    's/GNUTLS_ALPN_MANDATORY/0/; s/!speaks_http2\(wire\)/false/'

# --- health

plant 'a stop that is well' test_grpc_health test_grpc_health_watch_ends_with_the_service grpc_health.c \
    's/grpc_service_phase\(service\) != GRPC_SERVES/false/'
plant 'a store that fails is well' test_grpc_health test_grpc_health_follows_the_store grpc_health.c \
    's/health.failing &&/false \&\&/'
plant 'a store that hangs is well' test_grpc_health test_grpc_health_follows_a_store_that_hangs grpc_health.c \
    's/health.busy_ns > KEEPER_STALL_UNREADY_MS \* CLOCK_NS_PER_MS/false/'
plant 'any service is known' test_grpc_health test_grpc_health_knows_the_server_and_the_service grpc_health.c \
    's/strcmp\(service, "seqd.v1.SequenceService"\) == 0/true/'
plant 'a change is told again and again' test_grpc_health test_grpc_health_watch_tells_each_change_once grpc_health.c \
    's/\(int\)answer.status != call->memory \|\| !call->responded/true/'

# --- the stop

plant 'no word before the last call' test_grpc_stop test_grpc_drain_asks_clients_to_leave grpc_session.c \
    's/nghttp2_submit_shutdown_notice\(connection->session\) != 0/false/'
plant 'what waits is not served any more' test_grpc_stop test_grpc_drain_waits_for_calls grpc_loop.c \
    's/loop->phase != GRPC_ENDS \|\| loop->tickets > 0/loop->phase == GRPC_SERVES/'
plant 'a last word too early' test_grpc_stop test_grpc_drain_waits_for_who_has_not_heard grpc_loop.c \
    's/phase >= GRPC_CLOSES/true/'
plant 'newcomers during the stop' test_grpc_stop test_grpc_drain_lets_nobody_in grpc_door.c \
    's/loop->phase != GRPC_SERVES/false/'
plant 'a stop that waits for no call' test_grpc_stop test_grpc_drain_waits_for_calls grpc_loop.c \
    's/loop->phase == GRPC_DRAINS \? loop->calls : connections/loop->phase == GRPC_DRAINS ? 0 : connections/'
plant 'calls are not told of the stop' test_grpc_stop test_grpc_stop_answers_those_who_wait grpc_take.c \
    's/grpc_service_phase\(service\) != GRPC_SERVES/false/'

wait
cat $(seq -f "$work/%g.said" "$count")
failed=$(cat "$work"/*.said | grep -c '^FAILED' || true)
echo "$((count - failed)) passed, $failed failed"
[ "$failed" = 0 ]
