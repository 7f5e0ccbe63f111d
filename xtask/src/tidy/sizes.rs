//! Limits on files and functions, with a list of exceptions that may only shrink.
//!
//! A function is measured from its signature to its closing brace, without comments and attributes before it. Functions
//! within macro calls are not seen.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::tree::{Finding, Source, Tree};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 60;
/// Where the exceptions are.
const EXCEPTIONS: &str = "xtask/tidy.txt";

/// Something that is measured.
struct Measured<'a> {
    file: &'a Source,
    line: usize,
    /// `file PATH` or `fn PATH NAME`, which is how exceptions name it.
    key: String,
    lines: usize,
    limit: usize,
}

/// A line of the list of exceptions: `file PATH LINES` or `fn PATH NAME LINES`.
struct Exception {
    line: usize,
    key: String,
    lines: usize,
}

/// Files and functions fit in their limits, or are as large as the list of exceptions says and no larger.
pub(crate) fn limits(tree: &Tree, findings: &mut Vec<Finding>) {
    let list = tree.file(EXCEPTIONS);
    let exceptions = list.map(|list| read(list, findings)).unwrap_or_default();
    let mut used = vec![false; exceptions.len()];
    for measured in measure(tree) {
        let found = exceptions.iter().position(|exception| exception.key == measured.key);
        if let Some(index) = found {
            // Several functions of a file may share a name: the entry is for those that are too long.
            used[index] |= measured.lines > measured.limit;
        }
        compare(&measured, found.map(|index| &exceptions[index]), findings);
    }
    for (exception, _) in exceptions.iter().zip(used).filter(|(_, used)| !used) {
        let message = format!("the exception for `{}` is not needed any more", exception.key);
        findings.extend(list.map(|list| list.finding(exception.line, message, "delete the line")));
    }
}

fn compare(measured: &Measured<'_>, exception: Option<&Exception>, findings: &mut Vec<Finding>) {
    let Measured {
        file,
        line,
        key,
        lines,
        limit,
    } = measured;
    if lines <= limit {
        return;
    }
    let (message, remedy) = match exception {
        None => (
            format!("`{key}` has {lines} lines, {limit} are allowed"),
            "split it where its subject changes".to_owned(),
        ),
        Some(exception) if exception.lines < *lines => (
            format!("`{key}` has {lines} lines, its exception allows {}", exception.lines),
            "make it no longer than it was; exceptions may only shrink".to_owned(),
        ),
        Some(exception) if exception.lines > *lines => (
            format!("`{key}` has {lines} lines, its exception allows {}", exception.lines),
            format!("write {lines} in {EXCEPTIONS}, so that it stays that short"),
        ),
        Some(_) => return,
    };
    findings.push(file.finding(*line, message, remedy));
}

fn read(list: &Source, findings: &mut Vec<Finding>) -> Vec<Exception> {
    let mut exceptions = Vec::new();
    for (index, text) in list.text.lines().enumerate() {
        let line = index + 1;
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let parsed = text
            .rsplit_once(' ')
            .and_then(|(key, lines)| Some((key, lines.parse().ok()?)));
        match parsed {
            Some((key, lines)) => exceptions.push(Exception {
                line,
                key: key.to_owned(),
                lines,
            }),
            None => {
                let remedy = "write `file PATH LINES` or `fn PATH NAME LINES`";
                findings.push(list.finding(line, "this is not an exception", remedy));
            }
        }
    }
    exceptions
}

fn measure(tree: &Tree) -> Vec<Measured<'_>> {
    let mut measured = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_written_rust()) {
        let lines = file.text.lines().count();
        measured.push(Measured {
            file,
            line: 1,
            key: format!("file {}", file.path),
            lines,
            limit: FILE_LINES,
        });
        // A file that is not Rust is reported by the rule `parses`.
        if let Ok(syntax) = syn::parse_file(&file.text) {
            Functions {
                file,
                measured: &mut measured,
            }
            .visit_file(&syntax);
        }
    }
    measured
}

struct Functions<'a, 'b> {
    file: &'a Source,
    measured: &'b mut Vec<Measured<'a>>,
}

impl Functions<'_, '_> {
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = line(signature.span());
        let lines = block.brace_token.span.close().end().line + 1 - line;
        let key = format!("fn {} {}", self.file.path, signature.ident);
        self.measured.push(Measured {
            file: self.file,
            line,
            key,
            lines,
            limit: FUNCTION_LINES,
        });
    }
}

fn line(span: Span) -> usize {
    span.start().line
}

impl<'ast> Visit<'ast> for Functions<'_, '_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::expect;

    fn function(lines: usize) -> String {
        format!(
            "/// Long.\n#[inline]\nfn long() {{\n{}}}\n",
            "    ();\n".repeat(lines - 2)
        )
    }

    #[test]
    fn functions_up_to_the_limit_are_fine() {
        expect(limits, &[("a.rs", &function(60))], &[]);
        let bad = ["a.rs:3: rule: `fn a.rs long` has 61 lines, 60 are allowed; split it where its subject changes"];
        expect(limits, &[("a.rs", &function(61))], &bad);
        expect(limits, &[("tests/golden/a.rs", &function(61))], &[]);
    }

    #[test]
    fn methods_and_nested_functions_count() {
        let text = format!("trait T {{\n{}}}\nimpl T for u8 {{\n{}}}\n", function(61), function(62));
        let bad = [
            "a.rs:4: rule: `fn a.rs long` has 61 lines, 60 are allowed; split it where its subject changes",
            "a.rs:69: rule: `fn a.rs long` has 62 lines, 60 are allowed; split it where its subject changes",
        ];
        expect(limits, &[("a.rs", &text)], &bad);
    }

    #[test]
    fn files_have_a_limit() {
        let bad = ["a.rs:1: rule: `file a.rs` has 501 lines, 500 are allowed; split it where its subject changes"];
        expect(limits, &[("a.rs", &"//\n".repeat(501))], &bad);
    }

    #[test]
    fn exceptions_are_exact_and_needed() {
        let long = function(70);
        let list = |entry: &str| format!("# Exceptions.\n{entry}\n");
        let check = |entry: &str, expected: &[&str]| {
            expect(limits, &[("a.rs", &long), (EXCEPTIONS, &list(entry))], expected);
        };
        check("fn a.rs long 70", &[]);
        check(
            "fn a.rs long 69",
            &[
                "a.rs:3: rule: `fn a.rs long` has 70 lines, its exception allows 69; make it no longer \
             than it was; exceptions may only shrink",
            ],
        );
        check(
            "fn a.rs long 71",
            &[
                "a.rs:3: rule: `fn a.rs long` has 70 lines, its exception allows 71; write 70 in \
             xtask/tidy.txt, so that it stays that short",
            ],
        );
        let short = function(5);
        let bad = ["xtask/tidy.txt:2: rule: the exception for `fn a.rs long` is not needed any more; delete the line"];
        expect(
            limits,
            &[("a.rs", &short), (EXCEPTIONS, &list("fn a.rs long 70"))],
            &bad,
        );
        let bad = ["xtask/tidy.txt:2: rule: this is not an exception; write `file PATH LINES` or `fn PATH NAME LINES`"];
        expect(limits, &[("a.rs", &short), (EXCEPTIONS, &list("a.rs"))], &bad);
    }
}
