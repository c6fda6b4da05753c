//! The user's choices on each screen. Each screen defines its own type in its own file; this module does not know them.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
};

/// One value of each type in which a screen keeps its choices; its default until a key changes it.
#[derive(Default)]
pub(crate) struct Choices(HashMap<TypeId, Box<dyn Any>>);

impl Choices {
    pub(crate) fn get<T: Any + Clone + Default>(&self) -> T {
        self.0.get(&TypeId::of::<T>()).and_then(|it| it.downcast_ref()).cloned().unwrap_or_default()
    }

    pub(crate) fn change<T: Any + Clone + Default>(&mut self, change: impl FnOnce(&mut T)) {
        let mut choice = self.get::<T>();
        change(&mut choice);
        self.0.insert(TypeId::of::<T>(), Box::new(choice));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_a_separate_choice_that_starts_with_its_default() {
        #[derive(Debug, Clone, PartialEq)]
        struct Zoom(f64);
        impl Default for Zoom {
            fn default() -> Self {
                Self(1.0)
            }
        }
        let mut choices = Choices::default();
        assert_eq!((choices.get::<Zoom>(), choices.get::<usize>()), (Zoom(1.0), 0));
        choices.change(|zoom: &mut Zoom| zoom.0 *= 2.0);
        choices.change(|zoom: &mut Zoom| zoom.0 *= 2.0);
        assert_eq!((choices.get::<Zoom>(), choices.get::<usize>()), (Zoom(4.0), 0));
    }
}
