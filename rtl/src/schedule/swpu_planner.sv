// SPDX-License-Identifier: Apache-2.0
// Makes the items of a pass: groups of rows, cut into slices of the tiles, or of the fixed windows of
// the weight gradient, and how much work each is expected to be. A group none of whose rows keeps a
// weight is not an item.
//
// It makes the list of a group's lines, then runs the controller of a core over all windows of the group
// without loading anything, so it takes the cycles of the scan, once after an update of the masks.
module swpu_planner (
  input  logic                                  clk_i,
  input  logic                                  rst_ni,
  // Starts on all parts up to the last, with groups cut into so many slices.
  input  logic                                  start_i,
  input  logic [swpu_types_pkg::PartBits-1:0]   last_part_i,
  input  logic [31:0]                           slices_i,
  output logic [swpu_types_pkg::PartBits-1:0]   part_number_o,
  input  swpu_types_pkg::part_t                 part_i,
  // Memories from which a group is loaded.
  output logic [swpu_types_pkg::OrderBits-1:0]  order_address_o,
  input  logic [swpu_types_pkg::PlaneBits-1:0]  plane_i,
  output logic [swpu_types_pkg::OrderBits-1:0]  row_address_o,
  input  swpu_types_pkg::row_t                  row_i,
  output swpu_types_pkg::address_t              mask_address_o,
  input  logic [swpu_pkg::MaskWord-1:0]         mask_i,
  // A line of a list, and where it is kept.
  output logic                                  list_valid_o,
  output swpu_types_pkg::address_t              list_address_o,
  output swpu_types_pkg::listed_line_t          line_o,
  // An item and its work.
  output logic                                  valid_o,
  output swpu_types_pkg::job_t                  job_o,
  output logic [31:0]                           work_o,
  // Weight gradient: whether each tap reads inside the map in any tile, and the last such tile.
  output logic [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::KernelSize-1:0] reads_anywhere_o,
  output logic [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::NumberBits-1:0] last_tile_o,
  output logic                                  busy_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Rows = swpu_pkg::Rows;
  localparam int unsigned Windows = RowWords * swpu_pkg::MaskWord / swpu_pkg::Window;
  localparam int unsigned WindowBits = $clog2(Windows + 1);

  typedef enum logic [3:0] {
    Idle,
    // Weight gradient: goes through all tiles.
    Survey,
    // Goes on with the next group, whose masks are loaded.
    Group,
    Load,
    // Lists the group's lines.
    List,
    // Starts the controller.
    Start,
    // The controller scans the tiles of a slice, or makes the fixed windows of the group.
    Scan,
    // Weight gradient: adds up the windows of a slice.
    Add,
    // Gives the item away.
    Give
  } state_e;

  state_e state_d, state_q;
  logic [PartBits-1:0] part_d, part_q;
  logic [OrderBits-1:0] first_row_d, first_row_q;
  logic [RowBits-1:0] last_row_d, last_row_q;
  // The slice, and the bands or windows before it and up to its end.
  logic [31:0] slice_d, slice_q, count;
  logic [NumberBits-1:0] begin_d, begin_q, end_d, end_q;
  size_t image_d, image_q, output_row_d, output_row_q;
  // Work of the slice, or of the fixed window.
  logic [31:0] work_d, work_q;
  // Whether any row of the group keeps a weight.
  logic has_weights_q;
  logic [OrderBits:0] part_end;
  logic is_last_group, is_last_slice;

  assign part_end = (OrderBits + 1)'(part_i.order_base) + (OrderBits + 1)'(part_i.rows);
  assign is_last_group =
      (OrderBits + 1)'(first_row_q) + (OrderBits + 1)'(last_row_q) + 1'b1 == part_end;

  // The group's masks.
  logic loads, loaded, knows_row;
  logic [WordBits-1:0] mask_word;
  logic [ScanWordBits-1:0] scan_word, last_scan_word;
  mask_write_t mask;
  logic [EntryBits:0] weights;
  logic [Rows-1:0][swpu_pkg::MaskWord-1:0] masks, scan_masks;

  // As a part of the weight gradient it has no weights to load.
  part_t part_without_weights;
  always_comb begin
    part_without_weights = part_i;
    part_without_weights.makes_gradients = 1'b1;
  end

  swpu_group_loader #(
    .LoadsLists(1'b0)
  ) i_loader (
    .clk_i,
    .rst_ni,
    .start_i         (loads),
    .part_i          (part_without_weights),
    .first_row_i     (first_row_q),
    .last_row_i      (last_row_q),
    .list_base_i     ('0),
    .last_scan_word_i('0),
    .order_address_o,
    .plane_i,
    .row_address_o,
    .row_i,
    .mask_address_o,
    .mask_i,
    .weight_address_o(),
    .weight_i        ('0),
    .list_address_o  (),
    .line_i          ('0),
    .mask_o          (mask),
    .list_o          (),
    .weight_o        (),
    .row_o           (),
    .knows_row_o     (knows_row),
    .plane_o         (),
    .weights_o       (weights),
    .done_o          (loaded)
  );

  for (genvar i = 0; i < Rows; i++) begin : gen_row
    swpu_memory #(
      .Words    (RowWords),
      .Width    (swpu_pkg::MaskWord),
      .ReadPorts(1)
    ) i_masks (
      .clk_i,
      .write_i        (mask.valid && mask.row == RowBits'(i)),
      .write_address_i(mask.word),
      .write_data_i   (mask.mask),
      .read_address_i (mask_word),
      .read_data_o    (masks[i])
    );
  end

  // Rows that the group does not have need nothing.
  always_comb begin
    for (int unsigned i = 0; i < Rows; i++) begin
      scan_masks[i] = RowBits'(i) <= last_row_q ? masks[i] : '0;
    end
  end

  // The group's list, and where it begins among all.
  listed_line_t [LinesPerScan-1:0] scan_lines;
  address_t list_base_d, list_base_q;
  logic lists, listed;
  list_write_t list;

  if (swpu_pkg::ListLines) begin : gen_list
    logic [ScanWordBits-1:0] last_scan_word_q;

    swpu_line_list i_list (
      .clk_i,
      .rst_ni,
      .start_i             (lists),
      .last_row_i          (last_row_q),
      .last_word_i         (part_i.last_word),
      .last_kernel_row_i   (part_i.row_axis.last_tap),
      .last_kernel_column_i(part_i.column_axis.last_tap),
      .word_o              (mask_word),
      .masks_i             (scan_masks),
      .list_o              (list),
      .done_o              (listed)
    );
    for (genvar i = 0; i < LinesPerScan; i++) begin : gen_line
      swpu_memory #(
        .Words    (ScanWords),
        .Width    ($bits(listed_line_t)),
        .ReadPorts(1)
      ) i_lines (
        .clk_i,
        .write_i        (list.valid
                         && list.place[$clog2(LinesPerScan)-1:0] == ($clog2(LinesPerScan))'(i)),
        .write_address_i(list.place[EntryBits-1:$clog2(LinesPerScan)]),
        .write_data_i   (list.line),
        .read_address_i (scan_word),
        .read_data_o    (scan_lines[i])
      );
    end
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) last_scan_word_q <= '0;
      else if (list.valid) last_scan_word_q <= list.place[EntryBits-1:$clog2(LinesPerScan)];
    end
    assign last_scan_word = last_scan_word_q;
  end else begin : gen_masks
    logic unused;
    assign unused = lists;
    assign mask_word = scan_word;
    assign scan_lines = '0;
    assign last_scan_word = part_i.last_word;
    assign list = '0;
    assign listed = 1'b1;
  end
  assign list_valid_o = list.valid;
  assign list_address_o = list_base_q + AddressBits'(list.place);
  assign line_o = list.line;

  // The controller, with the tiles of the slice.
  logic scans, controller_done, window_valid, finds_fixed;
  window_t window;
  start_t fixed_start;
  item_t item;
  logic [NumberBits-1:0] scan_tile, survey_d, survey_q;
  logic [KernelSize-1:0][KernelSize-1:0] active;
  tile_t tile;
  size_t next_image, next_row;

  always_comb begin
    item = '0;
    item.makes_gradients = part_i.makes_gradients;
    item.last_kernel_row = part_i.row_axis.last_tap;
    item.last_kernel_column = part_i.column_axis.last_tap;
    item.last_word = last_scan_word;
    item.last_window = '1;
    item.reads_anywhere = reads_anywhere_o;
    item.last_tile = last_tile_o;
  end

  swpu_controller i_controller (
    .clk_i,
    .rst_ni,
    .start_i       (scans),
    .item_i        (item),
    .done_o        (controller_done),
    .word_o        (scan_word),
    .masks_i       (scan_masks),
    .lines_i       (scan_lines),
    .tile_address_o(scan_tile),
    .tile_i        (tile),
    .window_valid_o(window_valid),
    .window_ready_i(1'b1),
    .window_o      (window),
    .own_entries_o (),
    .active_o      (active),
    .finds_fixed_o (finds_fixed),
    .fixed_start_o (fixed_start)
  );

  swpu_tile_generator i_tiles (
    .clk_i,
    .rst_ni,
    .part_i       (part_i),
    .first_image_i(image_q),
    .first_row_i  (output_row_q),
    .last_band_i  (part_i.makes_gradients ? part_i.bands - 1'b1 : end_q - begin_q - 1'b1),
    .address_i    (state_q == Survey || state_d == Survey ? survey_d : scan_tile),
    .tile_o       (tile),
    .image_o      (next_image),
    .row_o        (next_row)
  );

  // Work of the window that the controller shows.
  logic [swpu_pkg::Window-1:0] heads;
  logic [EntryBits-1:0] last_line_d, last_line_q;
  logic [$clog2(swpu_pkg::Window + Rows + 1)+RunBits-1:0] window_work;

  swpu_window_lines i_lines (
    .window_i   (window.found),
    .is_fresh_i (window.is_fresh),
    .last_line_i(last_line_q),
    .heads_o    (heads),
    .stored_o   (),
    .last_line_o(last_line_d)
  );

  swpu_window_work i_work (
    .window_i         (window.found),
    .makes_gradients_i(part_i.makes_gradients),
    .heads_i          (heads),
    .runs_i           (tile.runs),
    .gradient_runs_i  (tile.gradient_runs),
    .work_o           (window_work)
  );

  // The fixed windows of the group: where each starts, and its work.
  logic [NumberBits-1:0] windows_q, sum_d, sum_q;
  start_t fixed_start_q, sum_start, job_start_d, job_start_q;
  logic [31:0] sum_work;

  swpu_memory #(
    .Words    (Windows + 1),
    .Width    ($bits(start_t) + 32),
    .ReadPorts(1)
  ) i_windows (
    .clk_i,
    .write_i        (state_q == Scan && window_valid && part_i.makes_gradients),
    .write_address_i(WindowBits'(window.number)),
    .write_data_i   ({fixed_start_q, work_d}),
    .read_address_i (WindowBits'(sum_d)),
    .read_data_o    ({sum_start, sum_work})
  );

  // Slices are nearly equal shares, no more than there are bands or windows.
  logic [NumberBits-1:0] total;
  assign total = part_i.makes_gradients ? windows_q : part_i.bands;
  assign count = slices_i < 32'(total) ? slices_i : 32'(total);
  assign is_last_slice = slice_q + 1 == count;

  function automatic logic [NumberBits-1:0] slice_end(
    logic [31:0] slice, logic [31:0] slices, logic [NumberBits-1:0] whole);
    return NumberBits'(32'(whole) * (slice + 1) / (slices == '0 ? 32'd1 : slices));
  endfunction

  always_comb begin
    state_d = state_q;
    part_d = part_q;
    first_row_d = first_row_q;
    last_row_d = last_row_q;
    slice_d = slice_q;
    begin_d = begin_q;
    end_d = end_q;
    image_d = image_q;
    output_row_d = output_row_q;
    work_d = work_q;
    survey_d = survey_q;
    sum_d = sum_q;
    job_start_d = job_start_q;
    list_base_d = list_base_q;
    loads = 1'b0;
    lists = 1'b0;
    scans = 1'b0;
    unique case (state_q)
      Idle: begin
        part_d = '0;
        first_row_d = '0;
        image_d = '0;
        output_row_d = '0;
        survey_d = '0;
        list_base_d = '0;
        if (start_i) state_d = part_i.makes_gradients ? Survey : Group;
      end
      Survey: begin
        survey_d = survey_q + 1'b1;
        if (tile.is_last) state_d = Group;
      end
      Group: begin
        loads = 1'b1;
        last_row_d = 32'(first_row_q) + Rows > 32'(part_end)
            ? RowBits'(32'(part_end) - 32'(first_row_q) - 1) : RowBits'(Rows - 1);
        slice_d = '0;
        begin_d = '0;
        end_d = slice_end('0, count, total);
        image_d = '0;
        output_row_d = '0;
        work_d = '0;
        state_d = Load;
      end
      Load: begin
        lists = loaded && has_weights_q;
        if (loaded) state_d = has_weights_q ? List : Give;
      end
      List: if (listed) state_d = Start;
      Start: begin
        scans = 1'b1;
        state_d = Scan;
      end
      Scan: begin
        if (finds_fixed) work_d = '0;
        if (window_valid) work_d = work_q + 32'(window_work);
        sum_d = '0;
        if (controller_done) begin
          end_d = part_i.makes_gradients ? slice_end('0, count, total) : end_q;
          state_d = part_i.makes_gradients && windows_q != '0 ? Add : Give;
          if (part_i.makes_gradients) work_d = '0;
        end
      end
      Add: begin
        work_d = work_q + sum_work;
        if (sum_q == begin_q) job_start_d = sum_q == '0 ? '0 : sum_start;
        sum_d = sum_q + 1'b1;
        if (sum_d == end_q) state_d = Give;
      end
      default: begin
        slice_d = slice_q + 1;
        begin_d = end_q;
        end_d = slice_end(slice_d, count, total);
        image_d = next_image;
        output_row_d = next_row;
        work_d = '0;
        state_d = part_i.makes_gradients ? Add : Start;
        if (!has_weights_q || total == '0 || is_last_slice) begin
          first_row_d = first_row_q + OrderBits'(last_row_q) + 1'b1;
          if (has_weights_q) begin
            list_base_d = list_base_q + AddressBits'((32'(last_scan_word) + 1) * LinesPerScan);
          end
          state_d = Group;
          if (is_last_group) begin
            part_d = part_q + 1'b1;
            if (part_q == last_part_i) state_d = Idle;
          end
        end
      end
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      part_q <= '0;
      first_row_q <= '0;
      last_row_q <= '0;
      slice_q <= '0;
      list_base_q <= '0;
      begin_q <= '0;
      end_q <= '0;
      image_q <= '0;
      output_row_q <= '0;
      work_q <= '0;
      survey_q <= '0;
      sum_q <= '0;
      job_start_q <= '0;
      has_weights_q <= 1'b0;
      last_line_q <= '0;
      windows_q <= '0;
      fixed_start_q <= '0;
      reads_anywhere_o <= '0;
      last_tile_o <= '0;
    end else begin
      state_q <= state_d;
      part_q <= part_d;
      first_row_q <= first_row_d;
      last_row_q <= last_row_d;
      slice_q <= slice_d;
      list_base_q <= list_base_d;
      begin_q <= begin_d;
      end_q <= end_d;
      image_q <= image_d;
      output_row_q <= output_row_d;
      work_q <= work_d;
      survey_q <= survey_d;
      sum_q <= sum_d;
      job_start_q <= job_start_d;
      if (loads) has_weights_q <= 1'b0;
      else if (knows_row && weights != '0) has_weights_q <= 1'b1;
      if (window_valid) last_line_q <= last_line_d;
      if (scans) windows_q <= '0;
      else if (finds_fixed) windows_q <= windows_q + 1'b1;
      if (finds_fixed) fixed_start_q <= fixed_start;
      if (state_q == Idle && start_i) reads_anywhere_o <= '0;
      else if (state_q == Survey) begin
        reads_anywhere_o <= reads_anywhere_o | active;
        for (int unsigned i = 0; i < KernelSize; i++) begin
          for (int unsigned j = 0; j < KernelSize; j++) begin
            if (active[i][j]) last_tile_o[i][j] <= survey_q;
          end
        end
      end
    end
  end

  assign part_number_o = part_q;
  assign valid_o = state_q == Give && has_weights_q && total != '0;
  assign work_o = work_q;
  assign busy_o = state_q != Idle;
  always_comb begin
    job_o = '0;
    job_o.part = part_q;
    job_o.first_row = first_row_q;
    job_o.last_row = last_row_q;
    job_o.last_word = last_scan_word;
    job_o.list_base = list_base_q;
    job_o.image = image_q;
    job_o.output_row = output_row_q;
    job_o.last_band = end_q - begin_q - 1'b1;
    if (part_i.makes_gradients) begin
      job_o.last_band = part_i.bands - 1'b1;
      job_o.start = job_start_q;
      job_o.last_window = end_q - begin_q - 1'b1;
    end
  end

endmodule
