import { useState } from 'preact/hooks';
import { html } from './html.js';
import { say } from './texts.js';

interface ConfirmationProps {
  readonly total: number;
  readonly action: string;
  readonly act: (confirm: string) => Promise<void>;
}

/** Has a number typed before something is done that nobody can undo. */
export function Confirmation({ total, action, act }: ConfirmationProps) {
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const isConfirmed = typed.trim() === String(total);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isConfirmed && !busy) {
      setBusy(true);
      await act(typed.trim());
      setBusy(false);
    }
  };
  return html`<form class="confirmation" onSubmit=${submit}>
    <label
      >${say('confirmCount', { total: String(total) })}
      <input
        inputmode="numeric"
        autocomplete="off"
        value=${typed}
        onInput=${(event: Event) => setTyped((event.target as HTMLInputElement).value)}
    /></label>
    <button class="danger" disabled=${!isConfirmed || busy}>${action}</button>
  </form>`;
}
