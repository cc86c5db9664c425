import { formatTable } from '../../../lib/cli/format-table.js';

describe(formatTable.name, () => {
  it('aligns text to the left and numbers to the right, each column as wide as its widest cell', () => {
    expect(
      formatTable(
        ['entity', 'rows', 'note'],
        [
          ['User', 5, ''],
          ['OrderLine', 12_345, 'blocked'],
        ],
      ),
    ).toBe('entity      rows  note\nUser           5\nOrderLine  12345  blocked');
  });

  it('is the header alone without rows', () => {
    expect(formatTable(['a', 'b'], [])).toBe('a  b');
  });
});
