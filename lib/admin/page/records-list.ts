import type { RecordView } from '../api/admin-responses.js';
import { html } from './html.js';
import { exactly, say } from './texts.js';

const ACTIONS = {
  deleted: 'recordDeleted',
  restored: 'recordRestored',
  'hard-deleted': 'recordHardDeleted',
  purged: 'recordPurged',
  archived: 'recordArchived',
  erased: 'recordErased',
  held: 'recordHeld',
  released: 'recordReleased',
} as const;

/** What was done to a row, or to rows of several entities. */
export function RecordsList({ records, counts = false }: { records: readonly RecordView[]; counts?: boolean }) {
  return html`<ul class="records">
    ${records.map(
      ({ at, action, entity, count, actor, reason }) =>
        html`<li>
          <time datetime=${at}>${exactly(at)}</time>
          <span>
            ${say(ACTIONS[action])}${counts && html`: ${say('recordRows', { count, entity })}`}
            ${(actor || reason) && html`<small>${[actor, reason].filter(Boolean).join(': ')}</small>`}
          </span>
        </li>`,
    )}
  </ul>`;
}
