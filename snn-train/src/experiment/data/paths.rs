//! The locations of a data set's files.

use std::{
    io,
    path::{Path, PathBuf, absolute},
};

use super::table::Data;

impl Data {
    /// Makes relative paths absolute, so that a run finds its data from any directory. Paths of sample lists stay as written:
    /// they are part of the experiment, unlike locations.
    ///
    /// # Errors
    /// If the working directory is unknown.
    pub fn make_paths_absolute(&mut self) -> io::Result<()> {
        for path in self.paths_mut() {
            // An empty path means the default, or none.
            if !path.as_os_str().is_empty() && path.is_relative() {
                *path = absolute(&*path)?;
            }
        }
        Ok(())
    }

    /// The first path that depends on the working directory.
    #[must_use]
    pub fn relative_path(&self) -> Option<PathBuf> {
        let mut data = self.clone();
        let is_relative = |path: &&mut PathBuf| !path.as_os_str().is_empty() && Path::is_relative(path);
        data.paths_mut().into_iter().find(is_relative).map(|path| path.clone())
    }

    /// The speech configuration, if these are recordings: the audio front end.
    #[must_use]
    pub fn speech(&self) -> Option<&snn_data::SpeechConfig> {
        match self {
            Self::Heidelberg(stored)
            | Self::SpeechCommands(stored)
            | Self::SpeechCommandsTenWords(stored)
            | Self::Fsdd(stored)
            | Self::Folder(stored) => Some(&stored.config),
            _ => None,
        }
    }

    fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Self::Randman(_) | Self::External(_) => Vec::new(),
            Self::Mnist(stored) => vec![&mut stored.directory],
            Self::Shd(stored) | Self::Ssc(stored) | Self::FsddSpikes(stored) => vec![&mut stored.directory],
            Self::Nmnist(stored) | Self::DvsGesture(stored) => vec![&mut stored.directory],
            Self::Spikes(files) => {
                vec![&mut files.train_file, &mut files.test_file, &mut files.valid_file]
            }
            Self::Heidelberg(stored)
            | Self::SpeechCommands(stored)
            | Self::SpeechCommandsTenWords(stored)
            | Self::Fsdd(stored)
            | Self::Folder(stored) => vec![&mut stored.directory],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn relative_paths_become_absolute_and_empty_ones_stay() {
        let Some(Data::Spikes(mut files)) = Data::named("spikes") else { panic!("no spikes") };
        files.train_file = "data/a.h5".into();
        let mut data = Data::Spikes(files);
        assert_eq!(data.relative_path(), Some("data/a.h5".into()));
        data.make_paths_absolute().unwrap();
        let Data::Spikes(files) = &data else { panic!("{data:?}") };
        assert_eq!(files.train_file, env::current_dir().unwrap().join("data/a.h5"));
        assert_eq!(files.test_file, PathBuf::new());
        assert_eq!(data.relative_path(), None);
        assert_eq!(Data::named("mnist").unwrap().relative_path(), None);
    }
}
