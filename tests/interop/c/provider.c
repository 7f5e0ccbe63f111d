/* Provides the interface in plain C, with pieces as awkward as can be: reads of seven bytes, one of none first, writes of three.
   Ends leave their sets before they are dropped, for the sake of hosts whose drops leave them in. */

#include <stdlib.h>
#include <string.h>

#include "provider.h"

typedef exports_interop_demo_api_result_string_string_t result_t;
typedef exports_interop_demo_api_item_t item_t;

enum { PIECE = 7, HALF = 3 };

static provider_string_t concat(const char *prefix, provider_string_t text) {
  size_t before = strlen(prefix);
  provider_string_t both = {malloc(before + text.len), before + text.len};
  memcpy(both.ptr, prefix, before);
  if (text.len > 0) memcpy(both.ptr + before, text.ptr, text.len);
  return both;
}

static bool is_state(provider_waitable_status_t status, provider_waitable_state_t state) {
  return PROVIDER_WAITABLE_STATE(status) == state;
}

/* Whether `upper` waits for a read or for a write, or will begin to. */
enum upper_at { TO_READ, READING, TO_WRITE, WRITING };

struct upper {
  provider_waitable_set_t set;
  uint32_t in, out;
  enum upper_at at;
  bool read_nothing, ended;
  uint8_t bytes[PIECE];
  uint32_t from, to;
};

static provider_callback_code_t upper_end(struct upper *task) {
  provider_waitable_join(task->in, 0);
  provider_waitable_join(task->out, 0);
  exports_interop_demo_api_stream_u8_drop_readable(task->in);
  exports_interop_demo_api_stream_u8_drop_writable(task->out);
  provider_waitable_set_drop(task->set);
  free(task);
  return PROVIDER_CALLBACK_CODE_EXIT;
}

static void upper_read(struct upper *task, provider_waitable_status_t status) {
  uint32_t count = PROVIDER_WAITABLE_COUNT(status);
  for (uint32_t i = 0; i < count; i++)
    if (task->bytes[i] >= 'a' && task->bytes[i] <= 'z') task->bytes[i] -= 'a' - 'A';
  task->from = 0;
  task->to = count;
  task->read_nothing = true;
  task->ended = is_state(status, PROVIDER_WAITABLE_DROPPED);
  task->at = TO_WRITE;
}

/* Goes on as far as it can; `status` is how the operation it waited for ended. */
static provider_callback_code_t upper_go_on(struct upper *task, provider_waitable_status_t status) {
  for (;;) {
    switch (task->at) {
    case TO_READ:
      task->at = READING;
      status = exports_interop_demo_api_stream_u8_read(task->in, task->bytes, task->read_nothing ? PIECE : 0);
      if (status == PROVIDER_WAITABLE_STATUS_BLOCKED) return PROVIDER_CALLBACK_CODE_WAIT(task->set);
      break;
    case READING:
      upper_read(task, status);
      break;
    case TO_WRITE:
      if (task->from == task->to) {
        if (task->ended) return upper_end(task);
        task->at = TO_READ;
        break;
      }
      task->at = WRITING;
      uint32_t length = task->to - task->from < HALF ? task->to - task->from : HALF;
      status = exports_interop_demo_api_stream_u8_write(task->out, task->bytes + task->from, length);
      if (status == PROVIDER_WAITABLE_STATUS_BLOCKED) return PROVIDER_CALLBACK_CODE_WAIT(task->set);
      break;
    case WRITING:
      task->from += PROVIDER_WAITABLE_COUNT(status);
      task->at = TO_WRITE;
      if (is_state(status, PROVIDER_WAITABLE_DROPPED)) return upper_end(task);
      break;
    }
  }
}

provider_callback_code_t exports_interop_demo_api_upper(exports_interop_demo_api_stream_u8_t input) {
  struct upper *task = calloc(1, sizeof *task);
  task->set = provider_waitable_set_new();
  task->in = input;
  exports_interop_demo_api_stream_u8_t output = exports_interop_demo_api_stream_u8_new(&task->out);
  provider_waitable_join(task->in, task->set);
  provider_waitable_join(task->out, task->set);
  provider_context_set_0(task);
  exports_interop_demo_api_upper_return(output);
  return upper_go_on(task, 0);
}

provider_callback_code_t exports_interop_demo_api_upper_callback(provider_event_t *event) {
  struct upper *task = provider_context_get_0();
  if (event->waitable == (task->at == READING ? task->in : task->out)) return upper_go_on(task, event->code);
  /* Some hosts tell an end that waits for nothing that its peer is gone. */
  if (task->at == WRITING) {
    task->ended = true;
    return PROVIDER_CALLBACK_CODE_WAIT(task->set);
  }
  /* What is waited for in a set cannot be used synchronously. */
  provider_waitable_join(task->in, 0);
  exports_interop_demo_api_stream_u8_cancel_read(task->in);
  return upper_end(task);
}

struct count {
  provider_waitable_set_t set;
  uint32_t in;
  uint64_t count;
  uint8_t bytes[1000];
};

static provider_callback_code_t count_end(struct count *task) {
  provider_waitable_join(task->in, 0);
  exports_interop_demo_api_stream_u8_drop_readable(task->in);
  provider_waitable_set_drop(task->set);
  free(task);
  return PROVIDER_CALLBACK_CODE_EXIT;
}

static provider_callback_code_t count_go_on(struct count *task, provider_waitable_status_t status) {
  for (;;) {
    if (status == PROVIDER_WAITABLE_STATUS_BLOCKED) return PROVIDER_CALLBACK_CODE_WAIT(task->set);
    task->count += PROVIDER_WAITABLE_COUNT(status);
    if (is_state(status, PROVIDER_WAITABLE_DROPPED)) {
      exports_interop_demo_api_count_return(task->count);
      return count_end(task);
    }
    status = exports_interop_demo_api_stream_u8_read(task->in, task->bytes, sizeof task->bytes);
  }
}

provider_callback_code_t exports_interop_demo_api_count(exports_interop_demo_api_stream_u8_t input) {
  struct count *task = calloc(1, sizeof *task);
  task->set = provider_waitable_set_new();
  task->in = input;
  provider_waitable_join(task->in, task->set);
  provider_context_set_0(task);
  return count_go_on(task, PROVIDER_WAITABLE_COMPLETED);
}

provider_callback_code_t exports_interop_demo_api_count_callback(provider_event_t *event) {
  struct count *task = provider_context_get_0();
  if (event->event != PROVIDER_EVENT_CANCEL) return count_go_on(task, event->code);
  provider_waitable_join(task->in, 0);
  exports_interop_demo_api_stream_u8_cancel_read(task->in);
  provider_task_cancel();
  return count_end(task);
}

struct greet {
  provider_waitable_set_t set;
  uint32_t writer;
  provider_string_t text;
};

static provider_callback_code_t greet_end(struct greet *task) {
  provider_waitable_join(task->writer, 0);
  exports_interop_demo_api_future_string_drop_writable(task->writer);
  provider_waitable_set_drop(task->set);
  provider_string_free(&task->text);
  free(task);
  return PROVIDER_CALLBACK_CODE_EXIT;
}

provider_callback_code_t exports_interop_demo_api_greet(provider_string_t *name) {
  struct greet *task = calloc(1, sizeof *task);
  task->set = provider_waitable_set_new();
  task->text = concat("hello, ", *name);
  provider_string_free(name);
  provider_context_set_0(task);
  exports_interop_demo_api_greet_return(exports_interop_demo_api_future_string_new(&task->writer));
  return PROVIDER_CALLBACK_CODE_YIELD;
}

provider_callback_code_t exports_interop_demo_api_greet_callback(provider_event_t *event) {
  struct greet *task = provider_context_get_0();
  if (event->event != PROVIDER_EVENT_NONE) return greet_end(task);
  provider_waitable_status_t status = exports_interop_demo_api_future_string_write(task->writer, &task->text);
  if (status != PROVIDER_WAITABLE_STATUS_BLOCKED) return greet_end(task);
  provider_waitable_join(task->writer, task->set);
  return PROVIDER_CALLBACK_CODE_WAIT(task->set);
}

struct await_it {
  provider_waitable_set_t set;
  uint32_t future;
  provider_string_t text;
};

static provider_callback_code_t await_it_end(struct await_it *task) {
  provider_waitable_join(task->future, 0);
  exports_interop_demo_api_future_string_drop_readable(task->future);
  provider_waitable_set_drop(task->set);
  free(task);
  return PROVIDER_CALLBACK_CODE_EXIT;
}

static provider_callback_code_t await_it_return(struct await_it *task) {
  result_t result;
  result.is_err = task->text.len >= 2 && memcmp(task->text.ptr, "no", 2) == 0;
  if (result.is_err)
    result.val.err = task->text;
  else
    result.val.ok = concat("got ", task->text);
  exports_interop_demo_api_await_it_return(result);
  if (!result.is_err) provider_string_free(&task->text);
  exports_interop_demo_api_result_string_string_free(&result);
  return await_it_end(task);
}

provider_callback_code_t exports_interop_demo_api_await_it(exports_interop_demo_api_future_string_t future) {
  struct await_it *task = calloc(1, sizeof *task);
  task->set = provider_waitable_set_new();
  task->future = future;
  provider_context_set_0(task);
  provider_waitable_status_t status = exports_interop_demo_api_future_string_read(future, &task->text);
  if (status != PROVIDER_WAITABLE_STATUS_BLOCKED) return await_it_return(task);
  provider_waitable_join(future, task->set);
  return PROVIDER_CALLBACK_CODE_WAIT(task->set);
}

provider_callback_code_t exports_interop_demo_api_await_it_callback(provider_event_t *event) {
  struct await_it *task = provider_context_get_0();
  if (event->event != PROVIDER_EVENT_CANCEL) return await_it_return(task);
  provider_waitable_join(task->future, 0);
  provider_waitable_status_t status = exports_interop_demo_api_future_string_cancel_read(task->future);
  if (is_state(status, PROVIDER_WAITABLE_COMPLETED)) return await_it_return(task);
  provider_task_cancel();
  return await_it_end(task);
}

struct items {
  provider_waitable_set_t set;
  uint32_t writer, next, count;
  uint32_t held;
  item_t batch[HALF];
};

static void items_free(struct items *task) {
  for (uint32_t i = 0; i < task->held; i++) exports_interop_demo_api_item_free(&task->batch[i]);
  task->held = 0;
}

static provider_callback_code_t items_end(struct items *task) {
  provider_waitable_join(task->writer, 0);
  exports_interop_demo_api_stream_item_drop_writable(task->writer);
  provider_waitable_set_drop(task->set);
  free(task);
  return PROVIDER_CALLBACK_CODE_EXIT;
}

static void items_fill(struct items *task) {
  items_free(task);
  while (task->held < HALF && task->next + task->held < task->count) {
    uint32_t id = task->next + task->held;
    char digits[11] = "";
    size_t at = sizeof digits - 1;
    uint32_t rest = id;
    do digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    provider_string_t text = {(uint8_t *)digits + at, sizeof digits - 1 - at};
    task->batch[task->held++] = (item_t){id, concat("item ", text)};
  }
}

static provider_callback_code_t items_go_on(struct items *task, provider_waitable_status_t status) {
  for (;;) {
    if (status == PROVIDER_WAITABLE_STATUS_BLOCKED) return PROVIDER_CALLBACK_CODE_WAIT(task->set);
    task->next += PROVIDER_WAITABLE_COUNT(status);
    if (task->next == task->count || is_state(status, PROVIDER_WAITABLE_DROPPED)) {
      items_free(task);
      return items_end(task);
    }
    /* What was not taken is made anew. */
    items_fill(task);
    status = exports_interop_demo_api_stream_item_write(task->writer, task->batch, task->held);
  }
}

provider_callback_code_t exports_interop_demo_api_items(uint32_t n) {
  struct items *task = calloc(1, sizeof *task);
  task->set = provider_waitable_set_new();
  task->count = n;
  exports_interop_demo_api_stream_item_t output = exports_interop_demo_api_stream_item_new(&task->writer);
  provider_waitable_join(task->writer, task->set);
  provider_context_set_0(task);
  exports_interop_demo_api_items_return(output);
  return items_go_on(task, PROVIDER_WAITABLE_COMPLETED);
}

provider_callback_code_t exports_interop_demo_api_items_callback(provider_event_t *event) {
  return items_go_on(provider_context_get_0(), event->code);
}

struct exports_interop_demo_api_counter_t {
  uint32_t sum;
};

exports_interop_demo_api_own_counter_t exports_interop_demo_api_constructor_counter(uint32_t start) {
  exports_interop_demo_api_counter_t *counter = malloc(sizeof *counter);
  counter->sum = start;
  return exports_interop_demo_api_counter_new(counter);
}

void exports_interop_demo_api_counter_destructor(exports_interop_demo_api_counter_t *counter) {
  free(counter);
}

struct add {
  exports_interop_demo_api_counter_t *counter;
  uint32_t n;
};

provider_callback_code_t exports_interop_demo_api_method_counter_add(exports_interop_demo_api_borrow_counter_t self,
                                                                     uint32_t n) {
  struct add *task = malloc(sizeof *task);
  *task = (struct add){self, n};
  provider_context_set_0(task);
  return PROVIDER_CALLBACK_CODE_YIELD;
}

provider_callback_code_t exports_interop_demo_api_method_counter_add_callback(provider_event_t *event) {
  struct add *task = provider_context_get_0();
  if (event->event == PROVIDER_EVENT_CANCEL) {
    provider_task_cancel();
  } else {
    task->counter->sum += task->n;
    exports_interop_demo_api_method_counter_add_return(task->counter->sum);
  }
  free(task);
  return PROVIDER_CALLBACK_CODE_EXIT;
}
