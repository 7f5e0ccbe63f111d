//! The chapter on types: a guest that exports each kind, and one that imports them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use witflow_host::{Component, Engine, Linker, Result, Store, block_on};

mod drawing {
    use super::*;

    witflow::generate!({ path: "code/wit/types.wit", world: "drawing" });

    use exports::guide::types::calculator;
    use exports::guide::types::shapes::{self, Canvas, CanvasBorrow, Colour, GuestCanvas, Point, Shape, Style};

    pub(crate) struct Drawing;
    export!(Drawing);

    impl calculator::Guest for Drawing {
        fn mean(numbers: Vec<f64>) -> Option<f64> {
            let sum: f64 = numbers.iter().sum();
            (!numbers.is_empty()).then(|| sum / numbers.len() as f64)
        }

        fn root(x: u32) -> Result<u32, String> {
            let root = x.isqrt();
            if root * root == x {
                Ok(root)
            } else {
                Err(format!("{x} is no square"))
            }
        }

        fn swap((byte, letter): (u8, char)) -> (char, u8) {
            (letter, byte)
        }

        fn count(words: Vec<String>) -> BTreeMap<String, u32> {
            let mut counts = BTreeMap::new();
            words.into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
            counts
        }

        fn sum(address: [u8; 4]) -> u32 {
            address.iter().copied().map(u32::from).sum()
        }
    }

    impl shapes::Guest for Drawing {
        type Canvas = Picture;
    }

    pub(crate) struct Picture {
        name: String,
        shapes: RefCell<Vec<Shape>>,
    }

    impl GuestCanvas for Picture {
        fn new(name: String) -> Self {
            Self {
                name,
                shapes: RefCell::default(),
            }
        }

        fn draw(&self, shape: Shape, colour: Colour, style: Style) -> u32 {
            if let (Shape::Polygon(corners), Colour::Red) = (&shape, colour) {
                let width = corners.iter().map(|Point { x, .. }| x).max();
                println!(
                    "{}: red, {width:?} wide, filled: {}",
                    self.name,
                    style.contains(Style::FILLED)
                );
            }
            self.shapes.borrow_mut().push(shape);
            self.shapes.borrow().len() as u32
        }

        fn add_all(&self, other: CanvasBorrow<'_>) {
            let other = other.get::<Picture>().shapes.borrow().clone();
            self.shapes.borrow_mut().extend(other);
        }

        fn load(text: String) -> Result<Canvas, String> {
            if text.is_empty() {
                return Err("nothing to load".to_owned());
            }
            Ok(Canvas::new(Picture::new(text)))
        }
    }
}

mod painter {
    witflow::generate!({ path: "code/wit/types.wit", world: "painter" });

    use guide::types::shapes::{Canvas, Colour, Point, Shape, Style};

    pub(crate) struct Painter;
    export!(Painter);

    impl Guest for Painter {
        fn paint() -> u32 {
            let canvas = Canvas::new("a house");
            let corners = vec![Point { x: 0, y: 0 }, Point { x: 4, y: 0 }, Point { x: 2, y: 3 }];
            canvas.draw(&Shape::Polygon(corners), Colour::Red, Style::FILLED | Style::DASHED);
            canvas.add_all(&canvas);
            let other = Canvas::load("a tree").expect("it has a name");
            other.draw(&Shape::Circle(2), Colour::Green, Style::empty());
            canvas.add_all(&other);
            // Both are dropped here, and their pictures with them.
            canvas.draw(&Shape::Nothing, Colour::Red, Style::empty())
        }
    }
}

#[test]
fn values_of_each_type() -> Result<()> {
    crate::support::run::<drawing::Drawing, _>(&Linker::new(), async |store, guest| {
        let mean = guest.typed_func::<(Vec<f64>,), (Option<f64>,)>("guide:types/calculator#mean")?;
        assert_eq!(mean.call(store, (vec![1.0, 2.0],)).await?, (Some(1.5),));
        assert_eq!(mean.call(store, (vec![],)).await?, (None,));
        let root = guest.typed_func::<(u32,), (Result<u32, String>,)>("guide:types/calculator#root")?;
        assert_eq!(root.call(store, (49,)).await?, (Ok(7),));
        assert_eq!(root.call(store, (50,)).await?, (Err("50 is no square".to_owned()),));
        let swap = guest.typed_func::<((u8, char),), ((char, u8),)>("guide:types/calculator#swap")?;
        assert_eq!(swap.call(store, ((7, 'x'),)).await?, (('x', 7),));
        let count = guest.typed_func::<(Vec<String>,), (BTreeMap<String, u32>,)>("guide:types/calculator#count")?;
        let words = ["a", "b", "a"].map(str::to_owned).to_vec();
        assert_eq!(count.call(store, (words,)).await?.0["a"], 2);
        let sum = guest.typed_func::<([u8; 4],), (u32,)>("guide:types/calculator#sum")?;
        assert_eq!(sum.call(store, ([127, 0, 0, 1],)).await?, (128,));
        Ok(())
    })
}

#[test]
fn a_painter_draws_on_canvases_of_another_guest() -> Result<()> {
    let painter = Component::native::<painter::Painter>("painter")?;
    let composed = Component::compose(&painter, &[&Component::native::<drawing::Drawing>("drawing")?])?;
    block_on(async {
        let mut store = Store::new(&Engine::native());
        let guest = Linker::new().instantiate(&mut store, &composed).await?;
        let paint = guest.typed_func::<(), (u32,)>("paint")?;
        assert_eq!(paint.call(&mut store, ()).await?, (4,));
        store.finish().await
    })
}
