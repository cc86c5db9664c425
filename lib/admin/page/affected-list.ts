import { html } from './html.js';
import { number } from './texts.js';

/** How many rows of which entity. */
export function AffectedList({ affected }: { affected: Readonly<Record<string, number>> }) {
  return html`<ul class="affected">
    ${Object.entries(affected).map(([entity, count]) => html`<li><strong>${number(count)}</strong> ${entity}</li>`)}
  </ul>`;
}
