;; WASI: `arguments` gives back what `wasi:cli/environment` says. `VERSION` is replaced by the test.
(component
  (import "wasi:cli/environment@VERSION" (instance $environment
    (export "get-arguments" (func (result (list string))))))
  (type $strings (list string))
  (core module $libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 64))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $next (i32.and (i32.add (global.get $next) (i32.const 3)) (i32.const -4)))
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (local.get 3)))))
  (core instance $libc (instantiate $libc))
  (core func $get (canon lower (func $environment "get-arguments")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $main
    (import "" "get" (func $get (param i32)))
    (func (export "arguments") (result i32) (call $get (i32.const 16)) (i32.const 16)))
  (core instance $main (instantiate $main (with "" (instance (export "get" (func $get))))))
  (func (export "arguments") (result $strings)
    (canon lift (core func $main "arguments") (memory (core memory $libc "memory")))))
