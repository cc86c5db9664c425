import { useEffect, useState } from 'preact/hooks';
import type { PurgeReport } from '../../purge/purge-report.js';
import type { RecordView } from '../api/admin-responses.js';
import { AffectedList } from './affected-list.js';
import { read, send } from './api.js';
import { Confirmation } from './confirmation.js';
import { html } from './html.js';
import { RecordsList } from './records-list.js';
import { attempt, entities, loadEntities, toast } from './state.js';
import { number, say } from './texts.js';

const DAY = 86_400_000;

/** What is due, what blocks it, and the purge itself. */
export function PurgeView() {
  const [report, setReport] = useState<PurgeReport>();
  const [runs, setRuns] = useState<readonly RecordView[]>([]);
  const lookAtRuns = async () => {
    if (entities.peek()!.some(({ records }) => records)) {
      await attempt(async () => setRuns(await read<RecordView[]>('records?action=purged&limit=10')));
    }
  };
  useEffect(() => void lookAtRuns(), []);
  const preview = () => attempt(async () => setReport(await send<PurgeReport>('purge', { dryRun: true })));
  const run = async (confirm: string) => {
    await attempt(async () => {
      const { total } = await send<PurgeReport>('purge', { confirm });
      toast.value = { text: say('purgeDone', { count: total }) };
      setReport(undefined);
      await Promise.all([loadEntities(), lookAtRuns()]);
    });
  };
  return html`<p>${say('purgeIntro')}</p>
    <table class="numbers">
      <caption>
        ${say('purge')}
      </caption>
      <thead>
        <tr>
          <th scope="col">${say('entities')}</th>
          <th scope="col">${say('retention')}</th>
          <th scope="col">${say('deleted')}</th>
          <th scope="col">${say('due')}</th>
          <th scope="col">${say('blocked')}</th>
        </tr>
      </thead>
      <tbody>
        ${entities.value!.map(
          ({ entity, retention, deleted, due, blocked }) =>
            html`<tr>
              <th scope="row">${entity}</th>
              <td data-label=${say('retention')}>
                ${
                  retention === 'forever'
                    ? say('forever')
                    : say('days', { count: Math.round((retention / DAY) * 10) / 10 })
                }
              </td>
              <td data-label=${say('deleted')}>${number(deleted)}</td>
              <td data-label=${say('due')}>${number(due)}</td>
              <td data-label=${say('blocked')}>${number(blocked)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    <div class="more"><button class="primary" onClick=${preview}>${say('preview')}</button></div>
    ${report && html`<${Report} report=${report} run=${run} />`}
    ${
      runs.length > 0 &&
      html`<h3>${say('lastRuns')}</h3>
        <${RecordsList} records=${runs} counts=${true} />`
    }`;
}

function Report({ report, run }: { report: PurgeReport; run: (confirm: string) => Promise<void> }) {
  const affected = Object.fromEntries(
    report.entities.filter(({ purged }) => purged > 0).map(({ entity, purged }) => [entity, purged]),
  );
  const blocks = report.entities.flatMap(({ blockedBy }) => blockedBy);
  const alone = report.entities.filter(({ held, braked, error }) => held > 0 || braked || error);
  return html`<section class="report" aria-live="polite">
    ${
      report.total === 0
        ? html`<p>${say('previewNothing')}</p>`
        : html`<p>${say('previewGoes', { count: report.total })}</p>
            <${AffectedList} affected=${affected} />`
    }
    ${
      blocks.length > 0 &&
      html`<h3>${say('keepsOthers')}</h3>
        <ul class="conflicts">
          ${blocks.map(({ table, constraint, rows }) => html`<li>${say('blockedByItem', { table, constraint, rows })}</li>`)}
        </ul>`
    }
    ${
      alone.length > 0 &&
      html`<ul class="conflicts">
        ${alone.map(({ entity, held, braked, error }) => {
          const reason = braked
            ? say('braked', { ...braked, count: braked.due })
            : (error ?? say('heldDue', { count: held }));
          return html`<li>${entity}: ${reason}</li>`;
        })}
      </ul>`
    }
    ${
      report.total > 0 &&
      html`<p>${say('removeWarning')}</p>
        <${Confirmation} total=${report.total} action=${say('runPurge')} act=${run} />`
    }
  </section>`;
}
