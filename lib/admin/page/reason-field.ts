import { current } from './state.js';
import { html } from './html.js';
import { say } from './texts.js';

interface ReasonFieldProps {
  readonly value: string;
  readonly change: (value: string) => void;
}

/** Asks why, where something keeps the answer. */
export function ReasonField({ value, change }: ReasonFieldProps) {
  const asked = current.value?.reason;
  return asked
    ? html`<${TextField}
        label=${say(asked === 'required' ? 'reason' : 'reasonOptional')}
        required=${asked === 'required'}
        value=${value}
        change=${change}
      />`
    : null;
}

/** Whether a reason will do. */
export function isReasonEnough(value: string): boolean {
  return current.value?.reason !== 'required' || value.trim() !== '';
}

/** A reason as a request has it. */
export function asReason(value: string): { reason?: string } {
  return value.trim() === '' ? {} : { reason: value.trim() };
}

export function TextField({ label, value, change, required }: ReasonFieldProps & { label: string; required: boolean }) {
  return html`<label class="field"
    >${label}
    <input
      type="text"
      maxlength="500"
      autocomplete="off"
      required=${required}
      value=${value}
      onInput=${(event: Event) => change((event.target as HTMLInputElement).value)}
  /></label>`;
}
