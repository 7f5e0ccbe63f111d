;; What goes wrong, and what is measured: `trap`, `stuck` (waits on an empty set), `spin` (burns instructions), `grow`.
(component
  (core func $set-new (canon waitable-set.new))
  (core module $main
    (import "" "set-new" (func $set-new (result i32)))
    (memory (export "memory") 1)
    (func (export "trap") (unreachable))
    (func (export "stuck") (result i32)
      (i32.or (i32.const 2) (i32.shl (call $set-new) (i32.const 4))))
    (func (export "stuck-callback") (param i32 i32 i32) (result i32) (unreachable))
    (func (export "spin") (param $n i32)
      (loop $again
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $again (local.get $n))))
    (func (export "grow") (param $pages i32) (result i32) (memory.grow (local.get $pages))))
  (core instance $main (instantiate $main (with "" (instance (export "set-new" (func $set-new))))))
  (func (export "trap") (canon lift (core func $main "trap")))
  (func (export "stuck") async (canon lift (core func $main "stuck") async (callback (core func $main "stuck-callback"))))
  (func (export "spin") (param "n" u32) (canon lift (core func $main "spin")))
  (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $main "grow"))))
