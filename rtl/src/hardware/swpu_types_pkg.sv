// SPDX-License-Identifier: Apache-2.0
// The types between the units of a core, and the largest layer that they take.
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
  // Rows, or source planes, of a layer at most.
  parameter int unsigned LayerRows = 512;
  // Bits of the rows and the columns of a map, and of the images of a batch.
  parameter int unsigned SizeBits = 9;
  // Bits of the stride.
  parameter int unsigned StrideBits = 2;
  // Parts of a pass at most: a strided input gradient has one for each phase of its sub-pixels.
  parameter int unsigned Parts = 16;
  // Rows of all parts at most.
  parameter int unsigned OrderRows = 4 * LayerRows;
  // Items a core should have at least: groups are cut into slices until there are so many.
  parameter int unsigned JobsPerCore = 4;
  // Cores at most.
  parameter int unsigned MostCores = 64;
  // Items of a pass at most: a group that is not full in each part, and less than a slice too many.
  parameter int unsigned Jobs = OrderRows / swpu_pkg::Rows + Parts + JobsPerCore * MostCores;
  // Bits of an address in the memories around the cores.
  parameter int unsigned AddressBits = 20;

  function automatic int unsigned index_bits(int unsigned count);
    return count > 1 ? $clog2(count) : 1;
  endfunction

  parameter int unsigned WordBits = $clog2(RowWords);
  parameter int unsigned BitBits = $clog2(swpu_pkg::MaskWord);
  parameter int unsigned EntryBits = WordBits + BitBits;
  // What the controller looks at in a cycle: a word of the masks; of a list some lines, each of which has
  // a place for every column of a kernel.
  parameter int unsigned LinesPerScan = 4;
  parameter int unsigned ColumnPlaces = 1 << $clog2(KernelSize);
  parameter int unsigned ScanPlaces =
      swpu_pkg::ListLines ? LinesPerScan * ColumnPlaces : swpu_pkg::MaskWord;
  parameter int unsigned ScanWords =
      swpu_pkg::ListLines ? RowWords * swpu_pkg::MaskWord / LinesPerScan : RowWords;
  parameter int unsigned ScanWordBits = $clog2(ScanWords);
  parameter int unsigned ScanPlaceBits = $clog2(ScanPlaces);
  parameter int unsigned WeightBits = $clog2(RowWeights);
  parameter int unsigned KernelBits = $clog2(KernelSize);
  parameter int unsigned RowBits = index_bits(swpu_pkg::Rows);
  parameter int unsigned SlotBits = index_bits(swpu_pkg::WindowsInFlight);
  parameter int unsigned LaneBits = $clog2(swpu_pkg::Window);
  parameter int unsigned CountBits = $clog2(swpu_pkg::Window + 1);
  parameter int unsigned OffsetBits = $clog2(swpu_pkg::PortElements);
  // Runs of a line, and of the output gradients of a row.
  parameter int unsigned RunBits = PositionBits - OffsetBits + 1;
  parameter int unsigned PlaneBits = $clog2(LayerRows + 1);
  parameter int unsigned PartBits = $clog2(Parts);
  parameter int unsigned OrderBits = $clog2(OrderRows);
  parameter int unsigned JobBits = $clog2(Jobs);
  // Bits that number the lanes of a row, and that count them.
  parameter int unsigned PlaceBits = index_bits(swpu_pkg::Lanes);
  parameter int unsigned OutputBits = $clog2(swpu_pkg::Lanes + 1);
  // A place in a map may lie outside of it.
  parameter int unsigned OffsetPlaceBits = SizeBits + 2;

  // Cycles from that in which a row takes operand vectors to that in which their products are added:
  // `CorePipeline.takeToAdd` of the model.
  parameter int unsigned TakeToAdd = 5;
  // Levels of the tree that adds the products of the lanes.
  parameter int unsigned TreeLevels = $clog2(swpu_pkg::Lanes);

  typedef logic [15:0] operand_t;
  typedef logic [31:0] sum_t;
  typedef operand_t [swpu_pkg::PortElements-1:0] run_t;
  typedef logic [AddressBits-1:0] address_t;
  typedef address_t [swpu_pkg::PortElements-1:0] run_address_t;
  typedef logic [SizeBits-1:0] size_t;
  typedef logic signed [OffsetPlaceBits-1:0] offset_t;

  // An FP32 number that is a NaN as 0x7FC00000 alone, in BF16, to nearest even: a carry steps the exponent
  // by itself, and the NaN and infinities stay.
  function automatic operand_t to_operand(sum_t number);
    return 16'((number + 32'h7FFF + 32'(number[16])) >> 16);
  endfunction

  // An entry in its window.
  typedef struct packed {
    // Its number; in the tiles of the weight gradient, its lane in the fixed window.
    logic [EntryBits-1:0]  tag;
    // Its line: plane · kernel rows + kernel row.
    logic [EntryBits-1:0]  line;
    logic [KernelBits-1:0] row;
    logic [KernelBits-1:0] column;
  } entry_t;

  // Where an entry of a word lies: its line, counted from a multiple of the entries of a word.
  typedef struct packed {
    logic [BitBits:0]      line;
    logic [KernelBits-1:0] row;
    logic [KernelBits-1:0] column;
  } spot_t;

  // What the controller found.
  typedef struct packed {
    entry_t [swpu_pkg::Window-1:0]                    entries;
    logic [CountBits-1:0]                             count;
    // Lanes that each row needs.
    logic [swpu_pkg::Rows-1:0][swpu_pkg::Window-1:0]  needed;
  } found_t;

  // A window on its way to the load port.
  typedef struct packed {
    found_t                                           found;
    // Lanes of the fixed window that each row needs.
    logic [swpu_pkg::Rows-1:0][swpu_pkg::Window-1:0]  own;
    // No line is ready from the window before: the first of a tile, or a weight gradient.
    logic                                             is_fresh;
    // Rows add up their partial sums after the window.
    logic                                             drains;
    // Its tile, and the number of its results, counted from 0 in the item.
    logic [NumberBits-1:0]                            tile;
    logic [NumberBits-1:0]                            number;
  } window_t;

  // A window behind which rows have results: their number, and the entries at the lanes of a fixed
  // window.
  typedef struct packed {
    logic                                             valid;
    logic [NumberBits-1:0]                            number;
    logic [swpu_pkg::Window-1:0][EntryBits-1:0]       entries;
  } opening_t;

  // A port's read of a run of a line, with its kernel row, and of a row's output gradients.
  typedef struct packed {
    logic                  valid;
    logic [EntryBits-1:0]  line;
    logic [KernelBits-1:0] row;
    logic [RunBits-1:0]    run;
  } line_read_t;

  typedef struct packed {
    logic                  valid;
    logic [RowBits-1:0]    row;
    logic [RunBits-1:0]    run;
  } gradient_read_t;

  // A word of a row's mask, and a kept weight of a row, for the next item. The words of a row come in
  // order.
  typedef struct packed {
    logic                          valid;
    logic [RowBits-1:0]            row;
    logic [WordBits-1:0]           word;
    logic [swpu_pkg::MaskWord-1:0] mask;
  } mask_write_t;

  typedef struct packed {
    logic                  valid;
    logic [RowBits-1:0]    row;
    logic [WeightBits-1:0] address;
    operand_t              weight;
  } weight_write_t;

  // A line of a list, and the columns of it that each row needs.
  typedef struct packed {
    // Its first entry, and its line: plane · kernel rows + kernel row.
    logic [EntryBits-1:0]  entry;
    logic [EntryBits-1:0]  line;
    logic [KernelBits-1:0] row;
    logic [swpu_pkg::Rows-1:0][KernelSize-1:0] needed;
  } listed_line_t;

  // A line of the list of the next item's group. It is filled up to whole words of the scan by lines that
  // no row needs.
  typedef struct packed {
    logic                 valid;
    logic [EntryBits-1:0] place;
    listed_line_t         line;
  } list_write_t;

  // A window's record for the rows.
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

  // A vector on its way: where lanes hold, those that are not valid keep the values that they had.
  function automatic vector_t hold(operand_t [swpu_pkg::Lanes-1:0] values, vector_t vector);
    hold = vector;
    if (swpu_pkg::HoldZeroLanes) begin
      for (int unsigned lane = 0; lane < swpu_pkg::Lanes; lane++) begin
        if (!vector.valid[lane]) hold.values[lane] = values[lane];
      end
    end
  endfunction

  // Results of a row: of a tile, and of a fixed window at the lanes of their entries.
  typedef struct packed {
    logic                            valid;
    logic [NumberBits-1:0]           number;
    sum_t [swpu_pkg::Lanes-1:0]      sums;
  } tile_result_t;

  typedef struct packed {
    // The results of this number are added up from now on; they follow, before those of another.
    logic                            begins;
    logic                            valid;
    logic [NumberBits-1:0]           number;
    logic [swpu_pkg::Window-1:0]     needed;
    sum_t [swpu_pkg::Window-1:0]     sums;
  } window_result_t;

  // A source position along a direction, if it lies in the map.
  typedef struct packed {
    logic                    inside_map;
    logic [PositionBits-1:0] position;
  } place_t;

  // Where the source of a tile begins: its images, its columns, and for each kernel row the first row
  // that an output reads.
  typedef struct packed {
    size_t                                  image;
    size_t                                  column;
    size_t                                  columns;
    size_t [KernelSize-1:0]                 row;
    logic [KernelSize-1:0][OutputBits-1:0]  rows;
  } origin_t;

  // Where the results of a tile go: the address of lane 0 in plane 0, and its lanes.
  typedef struct packed {
    address_t              address;
    logic [OutputBits-1:0] outputs;
  } target_t;

  // The sequencer's record of a tile.
  typedef struct packed {
    origin_t                                      origin;
    target_t                                      target;
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

  // Where a scan starts: its word and a place in it; without a list also where the first entry of the
  // word lies.
  typedef struct packed {
    logic [ScanWordBits-1:0]  word;
    logic [ScanPlaceBits-1:0] place;
    logic [EntryBits-1:0]  line;
    logic [KernelBits-1:0] row;
    logic [KernelBits-1:0] column;
  } start_t;

  // A group of rows on a slice of the tiles, or of the fixed windows of the weight gradient.
  typedef struct packed {
    logic                    makes_gradients;
    logic [KernelBits-1:0]   last_kernel_row;
    logic [KernelBits-1:0]   last_kernel_column;
    // Of the scan.
    logic [ScanWordBits-1:0] last_word;
    // Weight gradient: where the first window starts.
    start_t                  start;
    // Weight gradient: the last fixed window, counted from 0.
    logic [NumberBits-1:0]   last_window;
    // Weight gradient: whether each tap reads inside the map in any tile, and the last such tile.
    logic [KernelSize-1:0][KernelSize-1:0]                 reads_anywhere;
    logic [KernelSize-1:0][KernelSize-1:0][NumberBits-1:0] last_tile;
  } item_t;

  typedef enum logic [1:0] {
    ActivationMemory,
    WeightMemory,
    MaskMemory,
    OutputMemory
  } memory_e;

  typedef enum logic [1:0] {
    Forward,
    InputGradient,
    WeightGradient
  } pass_e;

  // The description of a layer's pass over a batch for the top. Maps are [images][channels][rows][columns].
  typedef struct packed {
    pass_e                 pass;
    size_t                 images;
    logic [PlaneBits-1:0]  channels;
    logic [PlaneBits-1:0]  filters;
    // Of a group of a grouped convolution.
    logic [PlaneBits-1:0]  channels_per_group;
    logic [PlaneBits-1:0]  filters_per_group;
    // The layer's input and its output.
    size_t                 input_rows;
    size_t                 input_columns;
    size_t                 output_rows;
    size_t                 output_columns;
    logic [KernelBits-1:0] kernel_rows;
    logic [KernelBits-1:0] kernel_columns;
    logic [StrideBits-1:0] stride;
    logic [KernelBits-1:0] padding_rows;
    logic [KernelBits-1:0] padding_columns;
    // Word of the output memory at which the results begin.
    address_t              result_base;
  } layer_t;

  // One direction of a part: output i reads source step · i + offset of the tap, where that lies in the
  // map, and is at target_step · i + target_first of the map written.
  typedef struct packed {
    size_t                    outputs;
    size_t                    source;
    logic [StrideBits-1:0]    step;
    logic [KernelBits-1:0]    last_tap;
    offset_t [KernelSize-1:0] offsets;
    logic [StrideBits-1:0]    target_step;
    logic [StrideBits-1:0]    target_first;
  } axis_t;

  // The output of a lane, counted from the first of its tile, and how far behind that it is written.
  typedef struct packed {
    logic [PlaceBits-1:0] image;
    logic [PlaceBits-1:0] row;
    logic [PlaceBits-1:0] column;
    address_t             offset;
  } lane_t;

  // A pass, or a phase of a strided input gradient, as operand vectors against rows.
  typedef struct packed {
    logic                        makes_gradients;
    axis_t                       row_axis;
    axis_t                       column_axis;
    logic [PlaneBits-1:0]        rows;
    logic [WordBits-1:0]         last_word;
    // Tiles.
    size_t                       images;
    logic [OutputBits-1:0]       images_per_tile;
    logic [OutputBits-1:0]       rows_per_tile;
    logic [OutputBits-1:0]       columns_per_tile;
    logic [NumberBits-1:0]       bands;
    lane_t [swpu_pkg::Lanes-1:0] lanes;
    // Elements of a plane and of an image: of the map read, and of the map that lanes represent.
    address_t                    source_plane;
    address_t                    source_image;
    address_t                    target_plane;
    address_t                    target_image;
    size_t                       target_columns;
    // Results of a row in the weight gradient, and rows that share them in a grouped convolution.
    address_t                    row_weights;
    logic [PlaneBits-1:0]        rows_per_group;
    // Where the part begins in the mask memory and among the rows of all parts.
    address_t                    mask_base;
    logic [OrderBits-1:0]        order_base;
  } part_t;

  // The record of a row besides its mask: its weights in the weight memory.
  typedef struct packed {
    address_t            first_weight;
    logic [EntryBits:0]  weights;
  } row_t;

  // An item as it is given to a core.
  typedef struct packed {
    logic [PartBits-1:0]   part;
    // Its group: place of the first row in the order, and rows behind that; the last word of its scan, and
    // where its list begins among all.
    logic [OrderBits-1:0]  first_row;
    logic [RowBits-1:0]    last_row;
    logic [ScanWordBits-1:0] last_word;
    address_t              list_base;
    // Where its tiles begin, and bands behind the first.
    size_t                 image;
    size_t                 output_row;
    logic [NumberBits-1:0] last_band;
    // Weight gradient: its windows.
    start_t                start;
    logic [NumberBits-1:0] last_window;
  } job_t;

  // What the stream-in unit does with a word of a channel.
  typedef struct packed {
    // Makes the gradient of a raw output: with S, P, Q as scale, shift, slope; else a value.
    logic is_gradient;
    logic has_shortcut;
    logic activates;
    sum_t scale;
    sum_t shift;
    sum_t slope;
  } stream_in_t;

  // What the stream-out unit does with a word of a channel.
  typedef struct packed {
    // Results are gradients of a value; else raw outputs, whose sums are made near the center.
    logic is_gradient;
    // The value has another use, whose gradient is added; it is behind an activation.
    logic has_other;
    logic activates;
    sum_t center;
  } stream_out_t;

  // SGD with momentum and weight decay.
  typedef struct packed {
    sum_t rate;
    sum_t momentum;
    sum_t decay;
  } update_t;

  // An address of the DRAM, in halves of 16 bits.
  typedef logic [31:0] half_address_t;

  // Words of a stream: as they go in, and as results come out.
  typedef operand_t [swpu_pkg::StreamElements-1:0] stream_operands_t;
  typedef sum_t [swpu_pkg::StreamElements-1:0] stream_sums_t;

  // A block of an operation.
  typedef struct packed {
    size_t       images;
    // What is read for it, in halves of 16 bits and in words, and values of a channel in words; words of
    // results, and of a channel.
    logic [31:0] load_halves;
    logic [31:0] load_words;
    logic [31:0] load_channel_words;
    logic [31:0] store_words;
    logic [31:0] store_channel_words;
  } block_t;

  // An operation in blocks.
  typedef struct packed {
    logic [15:0] blocks;
    // Whether its blocks read, run on the array, give results, and write.
    logic loads;
    logic computes;
    logic gives;
    logic stores;
    // Whether a value is made of two words, of raw outputs and of shortcuts or gradients, one after the other.
    logic has_pairs;
    // Whose zeros are packed in the DRAM.
    logic raw_packed;
    logic other_packed;
    logic results_packed;
  } operation_t;

  // Where the cycles of an operation went.
  typedef struct packed {
    // The array works; it waits for the DRAM, or for a stream unit; it has no block.
    logic [31:0] compute;
    logic [31:0] dram_stall;
    logic [31:0] stream_stall;
    logic [31:0] fill;
  } operation_timing_t;

  // What a command of a step does.
  typedef enum logic [2:0] {
    End,
    LoadMasks,
    LoadWeights,
    StreamIn,
    RunPass,
    StreamOut,
    Update
  } command_e;

endpackage
