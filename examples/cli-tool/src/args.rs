//! The arguments of the command.

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Usage: cli-tool [OPTION]... [FILE]
Encodes FILE, or standard input if that is missing or `-`, as base64.

  -d, --decode       decode instead; ends of lines are ignored
  -w, --wrap COLS    end lines after this many characters, by default 76; 0 stands for never
  -o, --output FILE  write to a file and not to standard output
  -h, --help         print this
";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Args {
    Help,
    Convert {
        decode: bool,
        wrap: usize,
        /// `None` is standard input.
        input: Option<String>,
        /// `None` is standard output.
        output: Option<String>,
    },
}

impl Args {
    /// Reads arguments, the first being the program's name.
    pub(crate) fn parse(args: Vec<String>) -> Result<Self, String> {
        let (mut decode, mut wrap, mut output) = (false, 76, None);
        let mut files = Vec::new();
        let mut args = args.into_iter().skip(1);
        while let Some(arg) = args.next() {
            let mut value = |name: &str| args.next().ok_or(format!("`{name}` needs a value"));
            match arg.as_str() {
                "-h" | "--help" => return Ok(Self::Help),
                "-d" | "--decode" => decode = true,
                "-w" | "--wrap" => {
                    let text = value(&arg)?;
                    wrap = text.parse().map_err(|_| format!("`{text}` is no number of columns"))?;
                }
                "-o" | "--output" => output = Some(value(&arg)?),
                "--" => files.extend(args.by_ref()),
                option if option.len() > 1 && option.starts_with('-') => {
                    return Err(format!("there is no option `{option}`"));
                }
                _ => files.push(arg),
            }
        }
        if let Some(more) = files.get(1) {
            return Err(format!("one file at most can be given, and `{more}` is another"));
        }
        Ok(Self::Convert {
            decode,
            wrap,
            input: files.pop().filter(|file| file != "-"),
            output,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &str) -> Result<Args, String> {
        Args::parse(
            std::iter::once("cli-tool")
                .chain(args.split_whitespace())
                .map(str::to_owned)
                .collect(),
        )
    }

    #[test]
    fn options_in_any_order() {
        let convert = |decode, wrap, input: Option<&str>, output: Option<&str>| {
            Ok(Args::Convert {
                decode,
                wrap,
                input: input.map(str::to_owned),
                output: output.map(str::to_owned),
            })
        };
        assert_eq!(parse(""), convert(false, 76, None, None));
        assert_eq!(parse("-"), convert(false, 76, None, None));
        assert_eq!(parse("a -w 0 -d -o b"), convert(true, 0, Some("a"), Some("b")));
        assert_eq!(parse("--wrap 9 -- -d"), convert(false, 9, Some("-d"), None));
        assert_eq!(parse("-d --help x y"), Ok(Args::Help));
    }

    #[test]
    fn misuse_is_named() {
        for (args, said) in [
            ("-x", "there is no option `-x`"),
            ("-w", "`-w` needs a value"),
            ("-w -1", "`-1` is no number of columns"),
            ("a b", "one file at most can be given, and `b` is another"),
        ] {
            assert_eq!(parse(args), Err(said.to_owned()));
        }
    }
}
