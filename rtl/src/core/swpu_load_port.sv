// SPDX-License-Identifier: Apache-2.0
// The load port of a core: reads the lines of a window, gathers its operand vectors in a register of
// its own, and hands the window over as soon as a slot of the window buffer is free.
//
// Each port reads a run of neighbouring elements a cycle; data come in the cycle after. A line is read
// once and serves all its taps, those too that are left for the next window of the tile. In the weight
// gradient as many ports read the output gradients of the rows that need any entry.
module swpu_load_port (
  input  logic                                              clk_i,
  input  logic                                              rst_ni,
  // The next window, with what belongs to it, and its tile.
  input  logic                                              window_valid_i,
  output logic                                              window_ready_o,
  input  swpu_types_pkg::found_t                            window_i,
  input  logic                                              makes_gradients_i,
  input  logic [swpu_pkg::Rows-1:0][swpu_pkg::Window-1:0]   own_i,
  input  logic                                              is_fresh_i,
  input  logic                                              drains_i,
  input  logic [swpu_types_pkg::NumberBits-1:0]             tile_number_i,
  input  logic [swpu_types_pkg::NumberBits-1:0]             number_i,
  input  swpu_types_pkg::tile_t                             tile_i,
  // Activation memory: lines with their kernel rows, and runs of them, of a tile.
  output logic [swpu_types_pkg::NumberBits-1:0]             tile_number_o,
  output logic [swpu_pkg::PortsPerCore-1:0]                 read_o,
  output logic [swpu_pkg::PortsPerCore-1:0]
               [swpu_types_pkg::EntryBits-1:0]              read_line_o,
  output logic [swpu_pkg::PortsPerCore-1:0]
               [swpu_types_pkg::KernelBits-1:0]             read_row_o,
  output logic [swpu_pkg::PortsPerCore-1:0]
               [swpu_types_pkg::RunBits-1:0]                read_run_o,
  output swpu_types_pkg::tile_t                             read_from_o,
  input  swpu_types_pkg::run_t [swpu_pkg::PortsPerCore-1:0] read_data_i,
  // Output memory: runs of a row's output gradients in the tile.
  output logic [swpu_pkg::PortsPerCore-1:0]                 gradient_read_o,
  output logic [swpu_pkg::PortsPerCore-1:0]
               [swpu_types_pkg::RowBits-1:0]                gradient_row_o,
  output logic [swpu_pkg::PortsPerCore-1:0]
               [swpu_types_pkg::RunBits-1:0]                gradient_run_o,
  input  swpu_types_pkg::run_t [swpu_pkg::PortsPerCore-1:0] gradient_data_i,
  // The next slot of the window buffer is free.
  input  logic                                              slot_free_i,
  // The window's last reads are under way and its slot is its own; complete in the cycle after.
  output logic                                              hands_over_o,
  // A complete window.
  output logic                                              publish_o,
  output swpu_types_pkg::control_t                          control_o,
  output swpu_types_pkg::vector_t [swpu_pkg::Window-1:0]    vectors_o,
  output swpu_types_pkg::operand_t [swpu_pkg::Rows-1:0][swpu_pkg::Lanes-1:0] gradients_o,
  output logic                                              busy_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned Rows = swpu_pkg::Rows;
  localparam int unsigned Lanes = swpu_pkg::Lanes;
  localparam int unsigned Ports = swpu_pkg::PortsPerCore;
  localparam int unsigned Elements = swpu_pkg::PortElements;

  // The window under way.
  logic is_busy_q, is_first_q;
  entry_t [Window-1:0] entries_q;
  control_t control_q;
  tile_t tile_q;
  logic [NumberBits-1:0] tile_number_q;
  // The window's last line, which the next window may go on with.
  logic [EntryBits-1:0] last_line_d, last_line_q;
  // Entries that stand ready from the window before.
  logic [Window-1:0] stored_d, stored_q;
  // First entries of the lines that are not read to their end, and the runs read of the first.
  logic [Window-1:0] heads_new, heads_d, heads_q;
  logic [RunBits-1:0] run_d, run_q;
  // Rows whose output gradients are not read to their end, and the runs read of the first.
  logic [Rows-1:0] rows_new, rows_d, rows_q;
  logic [RunBits-1:0] row_run_d, row_run_q;

  logic takes;
  assign takes = window_valid_i && window_ready_o;
  assign window_ready_o = !is_busy_q || hands_over_o;
  assign hands_over_o = is_busy_q && heads_d == '0 && rows_d == '0 && slot_free_i;
  assign busy_o = is_busy_q || publish_o;

  swpu_window_lines i_lines (
    .window_i   (window_i),
    .is_fresh_i (is_fresh_i),
    .last_line_i(last_line_q),
    .heads_o    (heads_new),
    .stored_o   (stored_d),
    .last_line_o(last_line_d)
  );

  always_comb begin
    for (int unsigned row = 0; row < Rows; row++) begin
      rows_new[row] = makes_gradients_i && |window_i.needed[row];
    end
  end

  // Reads of this cycle, port after port.
  always_comb begin
    logic [Window-1:0] head;
    logic [LaneBits-1:0] lane;
    heads_d = heads_q;
    run_d = run_q;
    for (int unsigned port = 0; port < Ports; port++) begin
      head = heads_d & -heads_d;
      lane = '0;
      for (int unsigned i = 0; i < Window; i++) if (head[i]) lane = LaneBits'(i);
      read_o[port] = is_busy_q && head != '0;
      read_line_o[port] = entries_q[lane].line;
      read_row_o[port] = entries_q[lane].row;
      read_run_o[port] = run_d;
      run_d = run_d + 1'b1;
      if (run_d == tile_q.runs[read_row_o[port]]) begin
        run_d = '0;
        heads_d = heads_d & ~head;
      end
      if (head == '0) run_d = '0;
    end
  end

  always_comb begin
    logic [Rows-1:0] first;
    rows_d = rows_q;
    row_run_d = row_run_q;
    for (int unsigned port = 0; port < Ports; port++) begin
      first = rows_d & -rows_d;
      gradient_row_o[port] = '0;
      for (int unsigned i = 0; i < Rows; i++) if (first[i]) gradient_row_o[port] = RowBits'(i);
      gradient_read_o[port] = is_busy_q && first != '0;
      gradient_run_o[port] = row_run_d;
      row_run_d = row_run_d + 1'b1;
      if (row_run_d == tile_q.gradient_runs) begin
        row_run_d = '0;
        rows_d = rows_d & ~first;
      end
      if (first == '0) row_run_d = '0;
    end
  end

  assign tile_number_o = tile_number_q;
  assign read_from_o = tile_q;

  // What has to be known when the data come.
  logic clears_q;
  logic [Window-1:0] uses_stored_q;
  logic [Window-1:0][KernelBits-1:0] lane_column_q;
  logic [Window-1:0][Ports-1:0] lane_hits_q;
  logic [Ports-1:0] read_q, stores_q;
  logic [Ports-1:0][RunBits-1:0] read_run_q;
  place_t [Ports-1:0][Lanes-1:0] read_places_q;
  place_t [KernelSize-1:0][Lanes-1:0] columns_q;
  logic [Ports-1:0] gradient_read_q;
  logic [Ports-1:0][RowBits-1:0] gradient_row_q;
  logic [Ports-1:0][RunBits-1:0] gradient_run_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      is_busy_q <= 1'b0;
      is_first_q <= 1'b0;
      entries_q <= '0;
      control_q <= '0;
      tile_q <= '0;
      tile_number_q <= '0;
      last_line_q <= '0;
      stored_q <= '0;
      heads_q <= '0;
      run_q <= '0;
      rows_q <= '0;
      row_run_q <= '0;
    end else if (takes) begin
      is_busy_q <= 1'b1;
      is_first_q <= 1'b1;
      entries_q <= window_i.entries;
      for (int unsigned lane = 0; lane < Window; lane++) begin
        control_q.tags[lane] <= window_i.entries[lane].tag;
      end
      control_q.needed <= window_i.needed;
      control_q.own <= own_i;
      control_q.drains <= drains_i;
      control_q.number <= number_i;
      tile_q <= tile_i;
      tile_number_q <= tile_number_i;
      last_line_q <= last_line_d;
      stored_q <= stored_d;
      heads_q <= heads_new;
      run_q <= '0;
      rows_q <= rows_new;
      row_run_q <= '0;
    end else begin
      if (hands_over_o) is_busy_q <= 1'b0;
      is_first_q <= 1'b0;
      heads_q <= heads_d;
      run_q <= run_d;
      rows_q <= rows_d;
      row_run_q <= row_run_d;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      clears_q <= 1'b0;
      uses_stored_q <= '0;
      lane_column_q <= '0;
      lane_hits_q <= '0;
      read_q <= '0;
      stores_q <= '0;
      read_run_q <= '0;
      read_places_q <= '0;
      columns_q <= '0;
      gradient_read_q <= '0;
      gradient_row_q <= '0;
      gradient_run_q <= '0;
      publish_o <= 1'b0;
      control_o <= '0;
    end else begin
      clears_q <= is_busy_q && is_first_q;
      uses_stored_q <= stored_q & {Window{is_busy_q && is_first_q}};
      read_q <= read_o;
      read_run_q <= read_run_o;
      columns_q <= tile_q.columns;
      for (int unsigned lane = 0; lane < Window; lane++) begin
        lane_column_q[lane] <= entries_q[lane].column;
        for (int unsigned port = 0; port < Ports; port++) begin
          lane_hits_q[lane][port] <= read_o[port] && entries_q[lane].line == read_line_o[port];
        end
      end
      for (int unsigned port = 0; port < Ports; port++) begin
        stores_q[port] <= read_o[port] && read_line_o[port] == last_line_q;
        read_places_q[port] <= tile_q.rows[read_row_o[port]];
      end
      gradient_read_q <= gradient_read_o;
      gradient_row_q <= gradient_row_o;
      gradient_run_q <= gradient_run_o;
      publish_o <= hands_over_o;
      if (hands_over_o) control_o <= control_q;
    end
  end

  // What the runs hold of the vectors of their lines, column by column.
  vector_t [Ports-1:0][KernelSize-1:0] gathered;

  for (genvar port = 0; port < Ports; port++) begin : gen_port
    for (genvar column = 0; column < KernelSize; column++) begin : gen_column
      swpu_run_gather i_gather (
        .read_i   (read_q[port]),
        .run_i    (read_run_q[port]),
        .data_i   (read_data_i[port]),
        .rows_i   (read_places_q[port]),
        .columns_i(columns_q[column]),
        .vector_o (gathered[port][column])
      );
    end
  end

  // The register of the port, and the vectors of the line that the next window may go on with.
  vector_t [Window-1:0] vectors_q;
  vector_t [KernelSize-1:0] stored_vectors_d, stored_vectors_q;
  operand_t [Rows-1:0][Lanes-1:0] gradients_q;

  always_comb begin
    stored_vectors_d = stored_vectors_q;
    for (int unsigned port = 0; port < Ports; port++) begin
      if (stores_q[port]) begin
        for (int unsigned column = 0; column < KernelSize; column++) begin
          stored_vectors_d[column] = read_run_q[port] == '0
              ? gathered[port][column] : stored_vectors_d[column] | gathered[port][column];
        end
      end
    end
  end

  for (genvar lane = 0; lane < Window; lane++) begin : gen_lane
    swpu_lane_vector i_vector (
      .clears_i     (clears_q),
      .vector_i     (vectors_q[lane]),
      .column_i     (lane_column_q[lane]),
      .uses_stored_i(uses_stored_q[lane]),
      .stored_i     (stored_vectors_q),
      .hits_i       (lane_hits_q[lane]),
      .gathered_i   (gathered),
      .vector_o     (vectors_o[lane])
    );
  end

  always_comb begin
    gradients_o = gradients_q;
    for (int unsigned port = 0; port < Ports; port++) begin
      for (int unsigned row = 0; row < Rows; row++) begin
        for (int unsigned lane = 0; lane < Lanes; lane++) begin
          if (gradient_read_q[port] && gradient_row_q[port] == RowBits'(row)
              && gradient_run_q[port] == RunBits'(lane / Elements)) begin
            gradients_o[row][lane] = gradient_data_i[port][lane%Elements];
          end
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      vectors_q <= '0;
      stored_vectors_q <= '0;
      gradients_q <= '0;
    end else begin
      vectors_q <= vectors_o;
      stored_vectors_q <= stored_vectors_d;
      gradients_q <= gradients_o;
    end
  end

endmodule
