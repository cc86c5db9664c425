import { useEffect, useState } from 'preact/hooks';
import type { RestrictionView } from '../api/admin-responses.js';
import { AffectedList } from './affected-list.js';
import { of, Refusal, send } from './api.js';
import { Confirmation } from './confirmation.js';
import { Dialog } from './dialog.js';
import { type Open, open as opened } from './open-dialog.js';
import { html } from './html.js';
import { explain, reload, selected, toast } from './state.js';
import { say } from './texts.js';

interface Preview {
  readonly affected: Readonly<Record<string, number>>;
  readonly total: number;
  readonly restrictions: readonly RestrictionView[];
}

/** Shows what goes for good, has its number typed, and removes it. */
export function RemoveDialog({ open }: { open: Open }) {
  const [preview, setPreview] = useState<Preview>();
  const [problem, setProblem] = useState('');
  const keys = open.rows.map(({ key }) => key);
  const close = () => (opened.value = undefined);

  const look = async () => {
    try {
      setPreview(await send<Preview>(of(open.entity, 'remove'), { keys, dryRun: true }));
    } catch (error) {
      setProblem(explain(error));
    }
  };
  useEffect(() => void look(), []);

  const remove = async (confirm: string, why: { reason?: string }) => {
    try {
      const { total } = await send<{ total: number }>(of(open.entity, 'remove'), { keys, confirm, ...why });
      selected.value = new Set();
      // Before the dialog gives the focus back, so that it does not go to a row that is about to leave.
      await reload();
      close();
      toast.value = { text: say('removed', { count: total }) };
    } catch (error) {
      setProblem(explain(error));
      if (error instanceof Refusal && error.status === 409) {
        await look();
      }
    }
  };

  const restrictions = preview?.restrictions ?? [];
  const [only] = open.rows;
  const title =
    open.rows.length === 1 ? `${say('remove')}: ${only!.label}` : say('removeRows', { count: open.rows.length });
  return html`<${Dialog} title=${title} close=${close}>
    <div class="dialog-body">
      ${problem && html`<p class="failure" role="alert">${problem}</p>`}
      ${!preview && !problem && html`<p class="hint" role="status">${say('loading')}</p>`}
      ${
        restrictions.length > 0 &&
        html`<p><strong>${say('removeBlocked')}</strong></p>
          <ul class="conflicts">
            ${restrictions.map(
              ({ relation, entity, count }) =>
                html`<li>${say('blockedByItem', { rows: count, table: entity, constraint: relation })}</li>`,
            )}
          </ul>`
      }
      ${
        preview &&
        restrictions.length === 0 &&
        (preview.total === 0
          ? html`<p>${say('nothingComesBack')}</p>`
          : html`<p>${say('removeGoes')}</p>
              <${AffectedList} affected=${preview.affected} />
              <p>${say('removeWarning')}</p>
              <${Confirmation} total=${preview.total} action=${say('remove')} act=${remove} asksWhy=${true} />`)
      }
    </div>
    <div class="dialog-foot"><button onClick=${close}>${say('cancel')}</button></div>
  <//>`;
}
