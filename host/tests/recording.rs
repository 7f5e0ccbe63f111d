//! What cannot be recorded is said. That what can is, the demo's tests show.

use witflow_host::{Engine, Recording, Result};

#[test]
fn what_cannot_be_recorded_is_said() -> Result<()> {
    let engine = Engine::new()?;
    let refused = |bytes: &[u8]| {
        let error = Recording::new()
            .component(&engine, "guest", bytes)
            .expect_err("it cannot be recorded");
        format!("{error:#}")
    };
    let begin = "reading component `guest`, to record it: ";
    let empty = wat::parse_str("(component)")?;
    assert_eq!(refused(&empty), format!("{begin}none of its functions can be called"));
    let two = wat::parse_str(
        r#"(component
            (core module $m (func (export "f")))
            (core instance $one (instantiate $m))
            (core instance $other (instantiate $m))
            (func (export "f") (canon lift (core func $one "f")))
            (func (export "g") (canon lift (core func $other "f"))))"#,
    )?;
    assert_eq!(
        refused(&two),
        format!("{begin}it has several core modules whose functions are called")
    );
    assert!(refused(&two[..two.len() - 4]).starts_with(begin));
    Ok(())
}
