// The write-up's answers, as far as a run's record gives them: [title, text] pairs.
'use strict';

function draft(run) {
  const c = run.config, e = run.epochs, at = best(run), d = c.data || {};
  const optimizer = flag(run, 'optimizer', 'sgd'), schedule = flag(run, 'schedule', 'cosine');
  const lr = flag(run, 'lr', '?'), warmup = Number(flag(run, 'warmup', 0)), decay = flag(run, 'weight-decay', null);
  const parts = [];
  const add = (title, ...sentences) => parts.push([title, sentences.filter(Boolean).join(' ')]);

  add('Loss', 'Cross-entropy of the softmax over ' + d.classes + ' classes, the mean over each batch of ' + flag(run, 'batch-size', '?') + ' images.',
    d.classes ? `An answer at random has a loss of ln ${d.classes} = ${Math.log(d.classes).toFixed(2)}.` : '',
    e.train_loss.length ? `It fell from ${short(e.train_loss[0])} in the first epoch to ${short(last(e.train_loss))} in the last on training images, ` +
      `and from ${short(e.val_loss[0])} to ${short(last(e.val_loss))} on validation images.` : '',
    flag(run, 'adversarial', '') ? againstAttacks(run) : '');

  const names = { sgd: 'Stochastic gradient descent', adam: 'Adam', adamw: 'AdamW', rmsprop: 'RMSprop', lion: 'Lion',
    muon: 'Muon (AdamW for vectors and the last layer)' };
  const momentum = flag(run, 'momentum', null);
  add('Optimiser', `${names[optimizer] || optimizer} with a largest learning rate of ${lr}` +
    (['sgd', 'rmsprop', 'muon'].includes(optimizer) && Number(momentum) ? ` and momentum ${momentum}` + (flag(run, 'nesterov', '') === 'true' ? ' (Nesterov)' : '') : '') + '.',
    Number(flag(run, 'clip-grad', 0)) ? `Gradients were scaled down to a norm of at most ${flag(run, 'clip-grad')}.` : '',
    Number(flag(run, 'accumulate', 1)) > 1 ? `Each batch went through the network in ${flag(run, 'accumulate')} parts.` : '');

  const shapes = { cosine: 'fell along half a cosine to almost 0 at the last iteration', step: 'fell to a tenth after each third of the run',
    onecycle: 'rose and fell in one cycle', constant: 'stayed as it was' };
  add('Schedule', warmup > 0 && schedule !== 'onecycle' ? `The rate rose linearly from 0 within ${warmup} epoch${warmup === 1 ? '' : 's'}, then it ` +
    `${shapes[schedule] || schedule}.` : `The rate ${shapes[schedule] || schedule}.`, 'It changed at every iteration.');

  const kinds = [];
  if (decay !== null && Number(decay) > 0) kinds.push(`weight decay of ${decay}`);
  if (decay === null) kinds.push(optimizer === 'sgd' ? 'weight decay of 0.0001' : optimizer === 'lion' ? 'weight decay of 0.1' : ['adamw', 'muon'].includes(optimizer) ? 'weight decay of 0.01' : '');
  const augment = flag(run, 'augment', 'none');
  if (augment !== 'none') kinds.push(`augmented images (${augment})`);
  if (Number(flag(run, 'ema', 0))) kinds.push(`an average of the weights over time (decay ${flag(run, 'ema')})`);
  const gap = e.train_top1.length ? last(e.train_top1) - last(e.val_top1) : null;
  const listed = kinds.filter(Boolean);
  add('Regularisation', listed.length ? listed.join(', ').replace(/^./, letter => letter.toUpperCase()) + '.' : 'None.',
    gap === null ? '' : gap > 5 ? `In the last epoch top-1 on training images was ${gap.toFixed(1)} points above that on validation images: the network overfits.`
      : gap < -1 ? `In the last epoch top-1 on validation images was ${(-gap).toFixed(1)} points above that on training images, which were augmented and seen while the weights still changed: there is no sign of overfitting.`
        : `In the last epoch top-1 on training and on validation images differed by ${Math.abs(gap).toFixed(1)} points: there is little overfitting.`);

  if (at >= 0) {
    const v = run.validation, shares = v ? v.counts.map((n, i) => n ? v.right[i] / n : null).filter(x => x !== null) : [];
    const chance = 100 / d.classes;
    const byClass = v ? v.counts.map((n, i) => ({ name: v.classes[i], share: n ? v.right[i] / n : 1 })).sort((a, b) => a.share - b.share) : [];
    add('Metrics, contrasted', `The best top-1 was ${percent(e.val_top1[at])}, in epoch ${e.epoch[at]}; top-5 there ${percent(e.val_top5[at])}, against ${chance.toFixed(1)} % and ${Math.min(100, 5 * chance).toFixed(1)} % by chance.`,
      e.val_top5[at] > e.val_top1[at] ? `For ${(e.val_top5[at] - e.val_top1[at]).toFixed(1)} % of the images the right class was among five answers, but not the first: top-5 forgives confusions of similar classes.` : '',
      shares.length ? `The mean over classes was ${percent(100 * sum(shares) / shares.length)} in the last validation, from ${percent(100 * byClass[0].share)} (${byClass[0].name}) to ${percent(100 * byClass[byClass.length - 1].share)} (${byClass[byClass.length - 1].name}): accuracy alone hides that.` : '',
      lowestLossNote(e, at));
  }
  const r = robust(run);
  if (r) add('Under attack', `PGD with ten steps and a random start, at an eps of ${flag(run, 'attack-eps', '?')}, attacked ${r.images} validation images after each epoch. ` +
    `At best ${percent(r.best)} of them were right all the same, in epoch ${r.epoch}.`, robustNote(r));
  add('Cost', `${e.epoch.length} epochs took ${duration(c.seconds)}` + ((c.epoch_seconds || []).length ? `, ${duration(median(c.epoch_seconds))} an epoch` : '') +
    `, with at most ${bytes(c.peak_memory_bytes)} of tensors, on ${((c.machine || {}).gpu || (c.machine || {}).device || 'a machine')}.`);
  return parts;
}

/** What the loss is where a network is trained to withstand attacks. */
function againstAttacks(run) {
  const name = flag(run, 'adversarial', ''), weight = otherwise => flag(run, 'adversarial-weight', otherwise), steps = flag(run, 'attack-steps', '?');
  return {
    half: 'It was computed on the mean of each image and of what PGD made of it.',
    fgsm: 'It was computed on images that one step along the sign of its gradient had changed, from a random start.',
    free: `Each batch was trained on ${steps} times in a row, on images that the gradients of those very steps had changed.`,
    trades: `To it came ${weight(6)} times the divergence of the answers to attacked images from those to the images themselves (TRADES).`,
    mart: `It was computed on images that PGD had changed; to it came how likely the likeliest wrong class was there, and ${weight(5)} times the divergence ` +
      'of these answers from those to the images themselves, weighed by how unsure the latter are (MART).',
    awp: `It was computed on images that PGD had changed, and its gradients where the weights had been moved up the loss by ${weight(0.005)} of their size (AWP).`,
  }[name] || `It was computed on images that ${name} had changed.`;
}

/** Loss and accuracy do not have to agree on the best epoch. */
function lowestLossNote(e, at) {
  const lowest = e.val_loss.indexOf(Math.min(...e.val_loss.filter(v => v !== null)));
  if (lowest < 0 || lowest === at) return 'The validation loss was lowest in the same epoch.';
  return `The validation loss was lowest in epoch ${e.epoch[lowest]}, not there: loss also counts how sure the network is of its answers, accuracy does not.`;
}
