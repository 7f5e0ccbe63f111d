/* Calls the interface and gives up: each step cancels what it began, at another time, and then sees that the other side is as before. */

#include <stdlib.h>
#include <string.h>

#include "edge.h"

typedef interop_demo_api_result_string_string_t result_t;

static const char *said;

#define QUOTED(text) #text
#define PLACE(line) "line " QUOTED(line) ": "

/* Ends a step that went wrong. */
#define EXPECT(condition)                                                                                              \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      said = PLACE(__LINE__) #condition;                                                                               \
      return;                                                                                                          \
    }                                                                                                                  \
  } while (0)

/* Waits for one waitable, and gives the code of its event. */
static uint32_t wait_for(uint32_t waitable) {
  edge_waitable_set_t set = edge_waitable_set_new();
  edge_waitable_join(waitable, set);
  edge_event_t event;
  edge_waitable_set_wait(set, &event);
  edge_waitable_join(waitable, 0);
  edge_waitable_set_drop(set);
  return event.code;
}

/* Waits for a call if it has not returned; 0 if it does in any other way. */
static int returned(edge_subtask_status_t status) {
  edge_subtask_t subtask = EDGE_SUBTASK_HANDLE(status);
  uint32_t state = EDGE_SUBTASK_STATE(status);
  while (state == EDGE_SUBTASK_STARTING || state == EDGE_SUBTASK_STARTED) state = wait_for(subtask);
  if (subtask != 0) edge_subtask_drop(subtask);
  return state == EDGE_SUBTASK_RETURNED;
}

/* Cancels a call that is under way, and gives the state it ends in. */
static edge_subtask_state_t cancelled(edge_subtask_status_t status) {
  edge_subtask_t subtask = EDGE_SUBTASK_HANDLE(status);
  edge_subtask_state_t state = EDGE_SUBTASK_STATE(edge_subtask_cancel(subtask));
  edge_subtask_drop(subtask);
  return state;
}

static edge_waitable_status_t settled(uint32_t waitable, edge_waitable_status_t status) {
  return status == EDGE_WAITABLE_STATUS_BLOCKED ? wait_for(waitable) : status;
}

/* Writes a future that nobody can read any more. */
static bool is_refused(uint32_t writer) {
  edge_string_t late;
  edge_string_set(&late, "late");
  edge_waitable_status_t status = interop_demo_api_future_string_write(writer, &late);
  status = settled(writer, status);
  interop_demo_api_future_string_drop_writable(writer);
  return EDGE_WAITABLE_STATE(status) == EDGE_WAITABLE_DROPPED;
}

/* The other side counts as before. */
static void still_works(void) {
  interop_demo_api_stream_u8_writer_t writer;
  uint64_t count = 0;
  edge_subtask_status_t call = interop_demo_api_count(interop_demo_api_stream_u8_new(&writer), &count);
  edge_waitable_status_t status = interop_demo_api_stream_u8_write(writer, (const uint8_t *)"abc", 3);
  status = settled(writer, status);
  EXPECT(EDGE_WAITABLE_COUNT(status) == 3);
  interop_demo_api_stream_u8_drop_writable(writer);
  EXPECT(returned(call));
  EXPECT(count == 3);
}

/* A call that waits for a future, which is let go of. */
static void a_call_that_waits(void) {
  interop_demo_api_future_string_writer_t writer;
  result_t result;
  edge_subtask_status_t call = interop_demo_api_await_it(interop_demo_api_future_string_new(&writer), &result);
  EXPECT(EDGE_SUBTASK_STATE(call) == EDGE_SUBTASK_STARTED);
  EXPECT(cancelled(call) == EDGE_SUBTASK_RETURNED_CANCELLED);
  EXPECT(is_refused(writer));
}

/* A call that has read a part of a stream, which is let go of. */
static void a_call_amid_a_stream(void) {
  interop_demo_api_stream_u8_writer_t writer;
  uint64_t count = 0;
  edge_subtask_status_t call = interop_demo_api_count(interop_demo_api_stream_u8_new(&writer), &count);
  uint8_t bytes[100] = {0};
  edge_waitable_status_t status = interop_demo_api_stream_u8_write(writer, bytes, sizeof bytes);
  status = settled(writer, status);
  EXPECT(EDGE_WAITABLE_COUNT(status) == sizeof bytes);
  EXPECT(cancelled(call) == EDGE_SUBTASK_RETURNED_CANCELLED);
  status = settled(writer, interop_demo_api_stream_u8_write(writer, bytes, sizeof bytes));
  EXPECT(EDGE_WAITABLE_STATE(status) == EDGE_WAITABLE_DROPPED && EDGE_WAITABLE_COUNT(status) == 0);
  interop_demo_api_stream_u8_drop_writable(writer);
}

/* A method; whether it adds or not, what it was lent comes back, and the sum is right. */
static void a_method(void) {
  interop_demo_api_own_counter_t counter = interop_demo_api_constructor_counter(1);
  uint32_t sum = 0;
  edge_subtask_status_t call =
      interop_demo_api_method_counter_add(interop_demo_api_borrow_counter(counter), 10, &sum);
  uint32_t expected = 1;
  if (EDGE_SUBTASK_STATE(call) != EDGE_SUBTASK_RETURNED) {
    edge_subtask_state_t state = cancelled(call);
    EXPECT(state == EDGE_SUBTASK_RETURNED || state == EDGE_SUBTASK_RETURNED_CANCELLED);
    if (state == EDGE_SUBTASK_RETURNED) expected = sum;
  } else {
    expected = sum;
  }
  call = interop_demo_api_method_counter_add(interop_demo_api_borrow_counter(counter), 10, &sum);
  EXPECT(returned(call));
  EXPECT(sum == expected + 10);
  interop_demo_api_counter_drop_own(counter);
}

/* A hundred calls, the last first. */
static void many_calls(void) {
  enum { MANY = 100 };
  interop_demo_api_future_string_writer_t writers[MANY];
  result_t results[MANY];
  edge_subtask_status_t calls[MANY];
  for (int i = 0; i < MANY; i++)
    calls[i] = interop_demo_api_await_it(interop_demo_api_future_string_new(&writers[i]), &results[i]);
  for (int i = MANY - 1; i >= 0; i--) {
    EXPECT(cancelled(calls[i]) == EDGE_SUBTASK_RETURNED_CANCELLED);
    EXPECT(is_refused(writers[i]));
  }
}

/* A call whose value has come already: it may return it, or be cancelled, and both are the end of it. */
static void too_late(void) {
  interop_demo_api_future_string_writer_t writer;
  result_t result;
  edge_subtask_status_t call = interop_demo_api_await_it(interop_demo_api_future_string_new(&writer), &result);
  EXPECT(EDGE_SUBTASK_STATE(call) == EDGE_SUBTASK_STARTED);
  edge_string_t text;
  edge_string_set(&text, "it");
  edge_waitable_status_t status = settled(writer, interop_demo_api_future_string_write(writer, &text));
  EXPECT(EDGE_WAITABLE_STATE(status) == EDGE_WAITABLE_COMPLETED);
  interop_demo_api_future_string_drop_writable(writer);
  edge_subtask_state_t state = cancelled(call);
  if (state == EDGE_SUBTASK_RETURNED) {
    EXPECT(!result.is_err && result.val.ok.len == 6 && memcmp(result.val.ok.ptr, "got it", 6) == 0);
    interop_demo_api_result_string_string_free(&result);
  } else {
    EXPECT(state == EDGE_SUBTASK_RETURNED_CANCELLED);
  }
}

/* A read and a write of streams whose other ends are held, both given up and begun anew. */
static void copies(void) {
  interop_demo_api_stream_u8_writer_t writer;
  interop_demo_api_stream_u8_t output;
  EXPECT(returned(interop_demo_api_upper(interop_demo_api_stream_u8_new(&writer), &output)));
  uint8_t bytes[4] = {0};
  EXPECT(interop_demo_api_stream_u8_read(output, bytes, 4) == EDGE_WAITABLE_STATUS_BLOCKED);
  edge_waitable_status_t status = interop_demo_api_stream_u8_cancel_read(output);
  EXPECT(EDGE_WAITABLE_STATE(status) == EDGE_WAITABLE_CANCELLED && EDGE_WAITABLE_COUNT(status) == 0);
  uint32_t sent = 0;
  while (sent < 4) {
    status = interop_demo_api_stream_u8_write(writer, (const uint8_t *)"text" + sent, 4 - sent);
    if (status == EDGE_WAITABLE_STATUS_BLOCKED) status = interop_demo_api_stream_u8_cancel_write(writer);
    sent += EDGE_WAITABLE_COUNT(status);
    if (EDGE_WAITABLE_COUNT(status) == 0) edge_thread_yield();
  }
  uint32_t received = 0;
  while (received < 4) {
    status = settled(output, interop_demo_api_stream_u8_read(output, bytes + received, 4 - received));
    EXPECT(EDGE_WAITABLE_STATE(status) == EDGE_WAITABLE_COMPLETED);
    received += EDGE_WAITABLE_COUNT(status);
  }
  EXPECT(memcmp(bytes, "TEXT", 4) == 0);
  interop_demo_api_stream_u8_drop_readable(output);
  interop_demo_api_stream_u8_drop_writable(writer);
}

edge_callback_code_t exports_interop_demo_steps_step(uint32_t n) {
  static void (*const steps[])(void) = {a_call_that_waits, a_call_amid_a_stream, a_method, many_calls, too_late, copies};
  said = "ok";
  if (n < 1 || n > sizeof steps / sizeof *steps)
    said = "there is no such step";
  else
    steps[n - 1]();
  if (strcmp(said, "ok") == 0) still_works();
  edge_string_t result;
  edge_string_set(&result, said);
  exports_interop_demo_steps_step_return(result);
  return EDGE_CALLBACK_CODE_EXIT;
}

edge_callback_code_t exports_interop_demo_steps_step_callback(edge_event_t *event) {
  (void)event;
  return EDGE_CALLBACK_CODE_EXIT;
}
