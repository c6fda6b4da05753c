use snn_tests::training::{Reference, Training};
#[test]
fn explore() {
    for r in Reference::load() {
        for c in &r.curves {
            let mut t = Training::new(&r, c.learning_rate);
            let mut u = Training::new(&r, c.learning_rate);
            let (name, _, mut v) = t.network.parameters().next().unwrap();
            for (k, w) in v.iter_mut().enumerate() { *w = if k % 2 == 0 { w.next_up() } else { w.next_down() } }
            u.network.set_parameter(&name, &v).unwrap();
            let mut a = vec![]; let mut b = vec![];
            let t0 = std::time::Instant::now();
            for e in 0..10 { let l = t.epoch(); let m = u.epoch(); a.push(format!("{:.1e}", (l / c.train_loss[e] - 1.0).abs())); b.push(format!("{:.1e}", (l / m - 1.0).abs())); }
            println!("seed {} eta {} time {:?}\n  reference {a:?}\n  twin      {b:?}", r.seed, c.learning_rate, t0.elapsed());
            let mut acc = vec![];
            for e in 10..50 { t.epoch(); if e % 5 == 4 || e > 45 { acc.push((e + 1, t.test_accuracy(), c.test_accuracy[e])); } }
            println!("   {acc:?} {:?}", t0.elapsed());
        }
    }
}
