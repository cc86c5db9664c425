import { useEffect, useState } from 'preact/hooks';
import type { RowDetails } from '../api/admin-responses.js';
import { AffectedList } from './affected-list.js';
import { of, read } from './api.js';
import { Dialog } from './dialog.js';
import { type Open, open as opened } from './open-dialog.js';
import { html } from './html.js';
import { HoldsList } from './holds-list.js';
import { RecordsList } from './records-list.js';
import { current, explain, reload, toast } from './state.js';
import { exactly, inWords, say, show } from './texts.js';

/** Everything that may be shown of one row. */
export function RowDialog({ open }: { open: Open }) {
  const [details, setDetails] = useState<RowDetails>();
  const [problem, setProblem] = useState('');
  const row = open.rows[0]!;
  const { can } = current.value!;
  const close = () => (opened.value = undefined);
  const look = () =>
    read<RowDetails>(of(open.entity, `rows/${encodeURIComponent(row.key)}`)).then(setDetails, (error: unknown) =>
      setProblem(explain(error)),
    );
  useEffect(() => void look(), []);
  const released = async () => {
    await Promise.all([look(), reload()]);
    toast.value = { text: say('holdReleased') };
  };
  return html`<${Dialog} title=${`${open.entity}: ${row.label}`} close=${close}>
    <div class="dialog-body">
      ${problem && html`<p class="failure" role="alert">${problem}</p>`}
      <dl>
        <dt>${say('deleted')}</dt>
        <dd>${exactly(row.deletedAt)}</dd>
        ${Object.entries(details?.fields ?? row.columns).map(
          ([name, value]) =>
            html`<dt>${inWords(name)}</dt>
              <dd>${show(value)}</dd>`,
        )}
      </dl>
      ${
        details &&
        html`<h3>${say('unit')}</h3>
          ${details.unit ? html`<${AffectedList} affected=${details.unit} />` : html`<p>${say('many')}</p>`}
          <h3>${say('blockedBy')}</h3>
          ${
            details.blockedBy.length === 0
              ? html`<p class="hint">${say('notBlocked')}</p>`
              : html`<ul class="conflicts">
                  ${details.blockedBy.map((block) => html`<li>${say('blockedByItem', { ...block })}</li>`)}
                </ul>`
          }
          ${
            details.holds.length > 0 &&
            html`<${HoldsList} holds=${details.holds} mayRelease=${can.includes('hold')} released=${released} />`
          }
          ${
            details.records.length > 0 &&
            html`<h3>${say('history')}</h3>
              <${RecordsList} records=${details.records} />`
          }`
      }
    </div>
    <div class="dialog-foot">
      ${
        can.includes('hold') &&
        html`<button onClick=${() => (opened.value = { ...open, what: 'hold' })}>${say('hold')}</button>`
      }
      ${
        can.includes('remove') &&
        html`<button class="danger" onClick=${() => (opened.value = { ...open, what: 'remove' })}>
          ${say('remove')}
        </button>`
      }
      ${
        can.includes('restore') &&
        html`<button class="primary" onClick=${() => (opened.value = { ...open, what: 'restore' })}>
          ${say('restore')}
        </button>`
      }
    </div>
  <//>`;
}
