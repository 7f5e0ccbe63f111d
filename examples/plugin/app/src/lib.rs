//! The app: writes letters by the templates of its plugin, and answers the plugin while it works.

#[cfg(test)]
mod tests;

use futures_util::future::join;
use witflow::{StreamReader, StreamWriter, spawn};

use demo::letters::addresses;
use demo::letters::templates::{Rendering, Template};

witflow::generate!({ path: "../wit", world: "app" });

struct App;
export!(App);

impl Guest for App {
    async fn write(template: String, signature: String, people: Vec<String>) -> Result<StreamReader<Letter>, String> {
        let template = Template::parse(&template)?;
        // The plugin has the signature from here on, and drops it with the template.
        template.add("signature", Template::parse(&signature)?);
        let (mut writer, letters) = wit_stream::new();
        spawn(async move {
            for to in people {
                let text = fill(&template, &to).await;
                if writer.write_one(Letter { to, text }).await.is_some() {
                    // Nobody reads on.
                    return;
                }
            }
        });
        Ok(letters)
    }
}

/// One letter, from its beginning to its end.
async fn fill(template: &Template, to: &str) -> String {
    let (answers, reader) = wit_stream::new();
    let Rendering { questions, mut text } = template.render(reader).await;
    let reading = async {
        let mut all = String::new();
        while let Some(piece) = text.next().await {
            all.push_str(&piece);
        }
        all
    };
    let ((), all) = join(answer(questions, answers, to), reading).await;
    all
}

/// Answers what the plugin asks, as long as it does.
async fn answer(mut questions: StreamReader<String>, mut answers: StreamWriter<String>, to: &str) {
    while let Some(field) = questions.next().await {
        let known = addresses::lookup(to.to_owned(), field).await;
        if answers.write_one(known.unwrap_or_default()).await.is_some() {
            // The plugin has heard enough.
            return;
        }
    }
}
