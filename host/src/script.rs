//! [`Script`]: a host for tests that answers calls with what was prepared, in order.
//!
//! Generated bindings have a [`Function`] for each import, and implement the traits of imported interfaces for scripts. Each function
//! has a queue of its own, since a guest's tasks may call different functions in any order. What happens to a call for which nothing is
//! prepared depends on the script: a [strict](Script::strict) one fails it, and one [over](Script::over) another host passes it on.
//! Either way [`Script::finish`] tells afterwards where script and guest differ.

use crate::cx::Cx;
use crate::error::{Error, Result};
use anyhow::anyhow;
use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A function that guests import, with the types of its parameters, a tuple, and of its result. Generated bindings have a constant for
/// each.
pub struct Function<P, R> {
    name: &'static str,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Function<P, R> {
    /// The function of this name: `ns:pkg/iface#f`, or `f` of the world.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            types: PhantomData,
        }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<P, R> Clone for Function<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for Function<P, R> {}

impl<P, R> fmt::Debug for Function<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({})", self.name)
    }
}

/// A guest has called a function that its host does not implement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotImplemented {
    /// The function, as `ns:pkg/iface#f` or `f`.
    pub function: String,
}

impl fmt::Display for NotImplemented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the host does not implement `{}`, and a guest has called it",
            self.function
        )
    }
}

impl std::error::Error for NotImplemented {}

/// What a generated trait's function does unless it is implemented.
///
/// # Errors
/// Always.
pub fn not_implemented<P, R>(function: Function<P, R>) -> Result<R> {
    Err(NotImplemented {
        function: function.name.to_owned(),
    }
    .into())
}

/// A host that implements nothing: every call fails, and names the function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strict;

/// A script and a guest differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unscripted {
    /// How often each function was called with nothing prepared. Empty for a script over another host, which takes these calls.
    pub unasked: BTreeMap<String, usize>,
    /// How many answers of each function were not asked for.
    pub left: BTreeMap<String, usize>,
}

impl fmt::Display for Unscripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the guest does not keep to the script:")?;
        for (function, times) in &self.unasked {
            write!(
                f,
                "\n  `{function}` was called {times} more times than there are answers"
            )?;
        }
        for (function, times) in &self.left {
            write!(
                f,
                "\n  `{function}` was called {times} times less than there are answers"
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Unscripted {}

/// A host that answers calls with what was prepared, in order for each function.
///
/// ```
/// use witflow_host::{Function, Script};
///
/// // Bindings have these.
/// const CHARGE: Function<(u32,), Result<(), String>> = Function::new("demo:orders/payment#charge");
///
/// let script = Script::strict();
/// script.returns(CHARGE, Ok(()));
/// script.answers(CHARGE, |_cx, (amount,)| Ok(Err(format!("{amount} is too much"))));
/// assert_eq!(
///     script.finish().unwrap_err().to_string(),
///     "the guest does not keep to the script:\n  `demo:orders/payment#charge` was called 2 times less than there are answers",
/// );
/// ```
pub struct Script<H = Strict> {
    state: Mutex<State>,
    rest: H,
    strict: bool,
}

#[derive(Default)]
struct State {
    /// Of each function the answers not given yet: each is a [`Body`] of its types.
    answers: BTreeMap<&'static str, VecDeque<Box<dyn Any + Send>>>,
    unasked: BTreeMap<&'static str, usize>,
}

/// An answer.
type Body<P, R> = Box<dyn FnOnce(&Cx, P) -> Result<R> + Send>;

/// What becomes of a call.
#[doc(hidden)]
pub enum Next<'a, P, R, H> {
    /// It was answered.
    Answer(Result<R>),
    /// It is for another host.
    Rest(&'a H, P),
}

impl Script {
    /// A script that fails every call for which nothing is prepared, and names its function.
    pub fn strict() -> Self {
        Self {
            state: Mutex::default(),
            rest: Strict,
            strict: true,
        }
    }
}

impl<H> Script<H> {
    /// A script that passes on every call for which nothing is prepared.
    pub fn over(host: H) -> Self {
        Self {
            state: Mutex::default(),
            rest: host,
            strict: false,
        }
    }

    /// Prepares an answer for the next call of `function` that has none. It sees the parameters, and may fail.
    pub fn answers<P: 'static, R: 'static>(
        &self,
        function: Function<P, R>,
        answer: impl FnOnce(&Cx, P) -> Result<R> + Send + 'static,
    ) -> &Self {
        let body: Body<P, R> = Box::new(answer);
        self.state()
            .answers
            .entry(function.name)
            .or_default()
            .push_back(Box::new(body));
        self
    }

    /// Prepares a result for the next call of `function` that has none, whatever its parameters.
    pub fn returns<P: 'static, R: Send + 'static>(&self, function: Function<P, R>, result: R) -> &Self {
        self.answers(function, |_, _| Ok(result))
    }

    /// The host that gets the calls for which nothing is prepared.
    pub fn rest(&self) -> &H {
        &self.rest
    }

    /// Asserts that all answers were given, and that a strict script had one for every call.
    ///
    /// # Errors
    /// [`Unscripted`], with the names of the functions.
    pub fn finish(&self) -> Result<()> {
        let state = self.state();
        let left = state.answers.iter().map(|(name, answers)| (*name, answers.len()));
        let named = |(name, times): (&str, usize)| (name.to_owned(), times);
        let difference = Unscripted {
            unasked: state
                .unasked
                .iter()
                .map(|(name, times)| (*name, *times))
                .map(named)
                .collect(),
            left: left.filter(|(_, answers)| *answers > 0).map(named).collect(),
        };
        match difference.unasked.is_empty() && difference.left.is_empty() {
            true => Ok(()),
            false => Err(difference.into()),
        }
    }

    /// What becomes of a call of `function`.
    #[doc(hidden)]
    pub fn next<P: 'static, R: 'static>(&self, function: Function<P, R>, cx: &Cx, params: P) -> Next<'_, P, R, H> {
        let mut state = self.state();
        let answer = state.answers.get_mut(function.name).and_then(VecDeque::pop_front);
        match answer {
            Some(answer) => {
                // The answer may use the script.
                drop(state);
                Next::Answer(match answer.downcast::<Body<P, R>>() {
                    Ok(answer) => answer(cx, params),
                    Err(_) => Err(of_other_types(function.name)),
                })
            }
            None if self.strict => {
                *state.unasked.entry(function.name).or_default() += 1;
                Next::Answer(Err(unasked(function.name)))
            }
            None => Next::Rest(&self.rest, params),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unasked(function: &str) -> Error {
    anyhow!("a guest has called `{function}`, and the script has no answer for that")
}

fn of_other_types(function: &str) -> Error {
    anyhow!("the answer prepared for `{function}` is for a function of other types")
}

impl<H> fmt::Debug for Script<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let left = state.answers.iter().map(|(name, answers)| (name, answers.len()));
        f.debug_map().entries(left).finish()
    }
}
