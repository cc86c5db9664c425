import { useEffect, useState } from 'preact/hooks';
import type { ConflictView, Outcome } from '../api/admin-responses.js';
import { AffectedList } from './affected-list.js';
import { of, Refusal, send } from './api.js';
import { Dialog } from './dialog.js';
import { type Open, open as opened } from './open-dialog.js';
import { html } from './html.js';
import { asReason, isReasonEnough, ReasonField } from './reason-field.js';
import { current, explain, reload, selected, toast } from './state.js';
import { inWords, say } from './texts.js';

type Preview = Outcome & { readonly conflicts: readonly ConflictView[] };

/** How many conflicts are shown. */
const SHOWN = 10;

/** Shows what comes back, or what is in its way, and brings it back. */
export function RestoreDialog({ open }: { open: Open }) {
  const [preview, setPreview] = useState<Preview>();
  const [withParents, setWithParents] = useState(false);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState('');
  const keys = open.rows.map(({ key }) => key);
  const close = () => (opened.value = undefined);

  const look = async (parents: boolean) => {
    setPreview(undefined);
    setWithParents(parents);
    try {
      setPreview(await send<Preview>(of(open.entity, 'restore'), { keys, dryRun: true, withParents: parents }));
    } catch (error) {
      setProblem(explain(error));
    }
  };
  useEffect(() => void look(false), []);

  const restore = async (event: Event) => {
    event.preventDefault();
    if (!isReady) {
      return;
    }
    setBusy(true);
    try {
      const { total } = await send<Outcome>(of(open.entity, 'restore'), {
        keys,
        withParents,
        ...asReason(reason),
      });
      selected.value = new Set();
      // Before the dialog gives the focus back, so that it does not go to a row that is about to leave.
      await reload();
      close();
      toast.value = {
        text: say('restored', { count: total }),
        // Parents that came back too stay: deleting the rows again would not take them along.
        ...(withParents ? {} : { undo: () => undo(open.entity, keys) }),
      };
    } catch (error) {
      // Somebody was faster: show what is in the way now.
      if (error instanceof Refusal && error.problem.conflicts) {
        setPreview({ affected: {}, total: 0, conflicts: error.problem.conflicts });
      } else {
        setProblem(explain(error));
      }
    }
    setBusy(false);
  };

  const conflicts = preview?.conflicts ?? [];
  const isReady =
    !busy && preview !== undefined && conflicts.length === 0 && preview.total > 0 && isReasonEnough(reason);
  const needsParents = conflicts.length > 0 && conflicts.every(({ reason }) => reason === 'parent-deleted');
  const [only] = open.rows;
  const title =
    open.rows.length === 1 ? `${say('restore')}: ${only!.label}` : say('restoreRows', { count: open.rows.length });
  return html`<${Dialog} title=${title} close=${close}>
    <form onSubmit=${restore}>
      <div class="dialog-body">
        ${problem && html`<p class="failure" role="alert">${problem}</p>`}
        ${!preview && !problem && html`<p class="hint" role="status">${say('loading')}</p>`}
        ${preview && conflicts.length === 0 && html`<${Comes} preview=${preview} />`}
        ${preview && conflicts.length === 0 && preview.total > 0 && html`<${ReasonField} value=${reason} change=${setReason} />`}
        ${
          conflicts.length > 0 &&
          html`<div role="alert">
            <p><strong>${say('cannotComeBack')}</strong></p>
            <ul class="conflicts">
              ${conflicts.slice(0, SHOWN).map((conflict) => html`<li>${describe(conflict)}</li>`)}
              ${conflicts.length > SHOWN && html`<li>+ ${conflicts.length - SHOWN}</li>`}
            </ul>
            <p class="hint">${say(needsParents ? 'wayOutParent' : 'wayOutUnique')}</p>
          </div>`
        }
      </div>
      <div class="dialog-foot">
        <button type="button" onClick=${close}>${say('cancel')}</button>
        ${
          needsParents
            ? html`<button type="button" class="primary" onClick=${() => void look(true)}>
                ${say('restoreBoth')}
              </button>`
            : html`<button class="primary" disabled=${!isReady}>${say('restore')}</button>`
        }
      </div>
    </form>
  <//>`;
}

function Comes({ preview }: { preview: Preview }) {
  return preview.total === 0
    ? html`<p>${say('nothingComesBack')}</p>`
    : html`<p>${say('comesBack')}</p>
        <${AffectedList} affected=${preview.affected} />`;
}

async function undo(entity: string, keys: readonly string[]): Promise<void> {
  const why = current.peek()?.reason ? { reason: say('undo') } : {};
  const { total } = await send<Outcome>(of(entity, 'delete'), { keys, ...why });
  toast.value = { text: say('undone', { count: total }) };
}

function describe(conflict: ConflictView): string {
  const { reason, key, properties, conflictingWith } = conflict;
  const values = { ...conflict, properties: properties?.map((name) => inWords(name).toLowerCase()).join(', ') };
  if (reason === 'parent-deleted') {
    return say('parentDeleted', values);
  }
  if (reason !== 'unique') {
    return say('otherConflict', values);
  }
  if (key === null || !properties) {
    return say('uniqueHidden', values);
  }
  return say(conflictingWith === 'restored' ? 'uniqueTogether' : 'uniqueConflict', values);
}
