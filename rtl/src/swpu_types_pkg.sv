// What the units of a core hand to each other, and the largest layer that they take.
package swpu_types_pkg;

  // Words of a row's mask at most.
  parameter int unsigned RowWords = 128;
  // Kept weights of a row at most.
  parameter int unsigned RowWeights = 2048;
  // Rows and columns of a kernel at most.
  parameter int unsigned KernelSize = 7;
  // Bits that number the source elements that a tile reads of a line.
  parameter int unsigned PositionBits = 8;
  // Bits that number the tiles, and the windows, of an item.
  parameter int unsigned NumberBits = 16;

  function automatic int unsigned index_bits(int unsigned count);
    return count > 1 ? $clog2(count) : 1;
  endfunction

  parameter int unsigned WordBits = $clog2(RowWords);
  parameter int unsigned BitBits = $clog2(swpu_pkg::MaskWord);
  parameter int unsigned EntryBits = WordBits + BitBits;
  parameter int unsigned WeightBits = $clog2(RowWeights);
  parameter int unsigned KernelBits = $clog2(KernelSize);
  parameter int unsigned RowBits = index_bits(swpu_pkg::Rows);
  parameter int unsigned SlotBits = index_bits(swpu_pkg::WindowsInFlight);
  parameter int unsigned LaneBits = $clog2(swpu_pkg::Window);
  parameter int unsigned CountBits = $clog2(swpu_pkg::Window + 1);
  parameter int unsigned OffsetBits = $clog2(swpu_pkg::PortElements);
  // Runs of a line, and of the output gradients of a row.
  parameter int unsigned RunBits = PositionBits - OffsetBits + 1;

  // Cycles from that in which a row takes operand vectors to that in which their products are added:
  // `CorePipeline.takeToAdd` of the model.
  parameter int unsigned TakeToAdd = 5;
  // Levels of the tree that adds the products of the lanes.
  parameter int unsigned TreeLevels = $clog2(swpu_pkg::Lanes);

  typedef logic [15:0] operand_t;
  typedef logic [31:0] sum_t;
  typedef operand_t [swpu_pkg::PortElements-1:0] run_t;

  // An entry in its window.
  typedef struct packed {
    // Its number; in the tiles of the weight gradient, its lane in the fixed window.
    logic [EntryBits-1:0]  tag;
    // Its line: plane · kernel rows + kernel row.
    logic [EntryBits-1:0]  line;
    logic [KernelBits-1:0] row;
    logic [KernelBits-1:0] column;
  } entry_t;

  // What the controller found.
  typedef struct packed {
    entry_t [swpu_pkg::Window-1:0]                    entries;
    logic [CountBits-1:0]                             count;
    // Lanes that each row needs.
    logic [swpu_pkg::Rows-1:0][swpu_pkg::Window-1:0]  needed;
  } found_t;

  // What rows have to know of a window.
  typedef struct packed {
    logic [swpu_pkg::Window-1:0][EntryBits-1:0]       tags;
    logic [swpu_pkg::Rows-1:0][swpu_pkg::Window-1:0]  needed;
    // Lanes of the fixed window that each row needs.
    logic [swpu_pkg::Rows-1:0][swpu_pkg::Window-1:0]  own;
    // Rows add up their partial sums after the window.
    logic                                             drains;
    // Tile, or fixed window, of the results.
    logic [NumberBits-1:0]                            number;
  } control_t;

  // An operand vector. Lanes that read padding, or that the tile does not have, are not valid.
  typedef struct packed {
    logic [swpu_pkg::Lanes-1:0]     valid;
    operand_t [swpu_pkg::Lanes-1:0] values;
  } vector_t;

  // A source position along a direction, if it lies in the map.
  typedef struct packed {
    logic                    inside_map;
    logic [PositionBits-1:0] position;
  } place_t;

  // What the sequencer knows of a tile.
  typedef struct packed {
    // Where each lane reads through each kernel row and column: the sum of both is the element of the
    // line's source in the tile.
    place_t [KernelSize-1:0][swpu_pkg::Lanes-1:0] rows;
    place_t [KernelSize-1:0][swpu_pkg::Lanes-1:0] columns;
    // Runs that a line of each kernel row takes.
    logic [KernelSize-1:0][RunBits-1:0]           runs;
    // Runs of a row's output gradients.
    logic [RunBits-1:0]                           gradient_runs;
    // The item has no tile behind it.
    logic                                         is_last;
  } tile_t;

  // A group of rows on a slice of the tiles, or of the fixed windows of the weight gradient.
  typedef struct packed {
    logic                    makes_gradients;
    logic [KernelBits-1:0]   last_kernel_row;
    logic [KernelBits-1:0]   last_kernel_column;
    logic [WordBits-1:0]     last_word;
    // Weight gradient: where the first window starts, and the place of its word's first entry.
    logic [EntryBits-1:0]    first_entry;
    logic [EntryBits-1:0]    first_line;
    logic [KernelBits-1:0]   first_row;
    logic [KernelBits-1:0]   first_column;
    // Weight gradient: the last fixed window, counted from 0.
    logic [NumberBits-1:0]   last_window;
    // Weight gradient: whether each tap reads inside the map in any tile, and the last such tile.
    logic [KernelSize-1:0][KernelSize-1:0]                 reads_anywhere;
    logic [KernelSize-1:0][KernelSize-1:0][NumberBits-1:0] last_tile;
  } item_t;

endpackage
