import { useState } from 'preact/hooks';
import { of, send } from './api.js';
import { Dialog } from './dialog.js';
import { html } from './html.js';
import { type Open, open as opened } from './open-dialog.js';
import { TextField } from './reason-field.js';
import { explain, reload, selected, toast } from './state.js';
import { say } from './texts.js';

/** Places a hold on rows. */
export function HoldDialog({ open }: { open: Open }) {
  const [name, setName] = useState('');
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const close = () => (opened.value = undefined);
  const isReady = name.trim() !== '' && reason.trim() !== '' && !busy;

  const place = async (event: Event) => {
    event.preventDefault();
    if (!isReady) {
      return;
    }
    setBusy(true);
    try {
      const keys = open.rows.map(({ key }) => key);
      await send(of(open.entity, 'hold'), { keys, name: name.trim(), reason: reason.trim() });
      selected.value = new Set();
      await reload();
      close();
      toast.value = { text: say('holdPlaced') };
    } catch (error) {
      setProblem(explain(error));
    }
    setBusy(false);
  };

  const [only] = open.rows;
  const title =
    open.rows.length === 1 ? `${say('hold')}: ${only!.label}` : say('holdRows', { count: open.rows.length });
  return html`<${Dialog} title=${title} close=${close}>
    <form onSubmit=${place}>
      <div class="dialog-body">
        ${problem && html`<p class="failure" role="alert">${problem}</p>`}
        <p>${say('holdHint')}</p>
        <${TextField} label=${say('holdName')} required=${true} value=${name} change=${setName} />
        <${TextField} label=${say('reason')} required=${true} value=${reason} change=${setReason} />
      </div>
      <div class="dialog-foot">
        <button type="button" onClick=${close}>${say('cancel')}</button>
        <button class="primary" disabled=${!isReady}>${say('hold')}</button>
      </div>
    </form>
  <//>`;
}
