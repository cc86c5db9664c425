import { useState } from 'preact/hooks';
import { html } from './html.js';
import { asReason, isReasonEnough, ReasonField } from './reason-field.js';
import { say } from './texts.js';

interface ConfirmationProps {
  readonly total: number;
  readonly action: string;
  readonly act: (confirm: string, why: { reason?: string }) => Promise<void>;
  /** Whether it asks why, too. */
  readonly asksWhy?: boolean;
}

/** Has a number typed before something is done that nobody can undo. */
export function Confirmation({ total, action, act, asksWhy = false }: ConfirmationProps) {
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const isConfirmed = typed.trim() === String(total) && (!asksWhy || isReasonEnough(reason));
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isConfirmed && !busy) {
      setBusy(true);
      await act(typed.trim(), asReason(reason));
      setBusy(false);
    }
  };
  return html`<form class="confirmation" onSubmit=${submit}>
    ${asksWhy && html`<${ReasonField} value=${reason} change=${setReason} />`}
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
