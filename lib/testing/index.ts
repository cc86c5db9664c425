export { backdateDeletions } from './backdate-deletions.js';
export { countRows, type RowCount } from './count-rows.js';
export { expectErasureComplete } from './expect-erasure-complete.js';
