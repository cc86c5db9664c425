import { useState } from 'preact/hooks';
import type { HoldView } from '../api/admin-responses.js';
import { release } from './api.js';
import { html } from './html.js';
import { TextField } from './reason-field.js';
import { explain } from './state.js';
import { exactly, say } from './texts.js';

interface HoldsListProps {
  readonly holds: readonly HoldView[];
  readonly mayRelease: boolean;
  readonly released: () => Promise<void>;
}

/** The holds that cover a row, each with a way to release it. */
export function HoldsList({ holds, mayRelease, released }: HoldsListProps) {
  return html`<h3>${say('holds')}</h3>
    <ul class="holds">
      ${holds.map((hold) => html`<${Hold} key=${hold.id} hold=${hold} mayRelease=${mayRelease} released=${released} />`)}
    </ul>`;
}

function Hold({ hold, mayRelease, released }: Omit<HoldsListProps, 'holds'> & { hold: HoldView }) {
  const [isAsking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState('');
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await release(hold.id, reason.trim());
      await released();
    } catch (error) {
      setProblem(explain(error));
    }
  };
  const since = exactly(hold.placedAt);
  return html`<li>
    <strong>${hold.name}</strong>: ${hold.reason}
    <small
      >${hold.placedBy === null ? say('heldSince', { since }) : say('heldSinceBy', { since, actor: hold.placedBy })}</small
    >
    ${problem && html`<p class="failure" role="alert">${problem}</p>`}
    ${
      isAsking
        ? html`<form class="confirmation" onSubmit=${submit}>
            <${TextField} label=${say('reason')} required=${true} value=${reason} change=${setReason} />
            <button disabled=${reason.trim() === ''}>${say('release')}</button>
          </form>`
        : mayRelease &&
          html`<button aria-label=${`${say('release')}: ${hold.name}`} onClick=${() => setAsking(true)}>
            ${say('release')}
          </button>`
    }
  </li>`;
}
